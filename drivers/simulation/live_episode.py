"""One episode of the simulated robot in real time: world, servo bus, physics and cameras, side by side."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Iterator
from multiprocessing.connection import wait

from libra_edge.drivers.simulation.camera_loop import CameraLoop, Grain
from libra_edge.drivers.simulation.cube_move import CubeMove
from libra_edge.drivers.simulation.doorbell import Doorbell
from libra_edge.drivers.simulation.episode_status import StatusReader
from libra_edge.drivers.simulation.frame_channel import FrameWriter
from libra_edge.drivers.simulation.mujoco_plant import MujocoPlant
from libra_edge.drivers.simulation.physics_loop import PhysicsLoop
from libra_edge.drivers.simulation.printed_board import PrintedBoard
from libra_edge.drivers.simulation.raycast import RayCaster
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import specs_of
from libra_edge.drivers.simulation.world import KochCubesWorld
from libra_edge.errors import ProcessError
from libra_edge.robot import Robot


class LiveEpisode:
    """Reached through a serial port and shared memory, as `contact` tells.

    Physics and servos share this process. The cameras have one of their own: rendering keeps an interpreter busy, and a
    servo that answers late is a servo that is not there.
    """

    def __init__(
        self,
        robot: Robot,
        seed: int,
        task: str,
        doorbell: Doorbell,
        grain: Grain,
        *,
        board: PrintedBoard | None = None,
    ) -> None:
        """Raises ConfigError, InstructionError."""
        world = KochCubesWorld(seed, task, board)
        plant = MujocoPlant(robot, world)
        self._servo_ids = [joint.id for joint in robot.joint]
        self._bus = ServoBusEmulator(specs_of(robot), plant, baud=robot.bus.baud)
        self._physics = PhysicsLoop(world, plant)
        self._frames = FrameWriter(robot.camera)
        self._doorbell = doorbell
        status = StatusReader(self._physics.path)
        cameras = CameraLoop(robot, RayCaster(world.model, board), status, self._frames, doorbell, grain=grain)
        self._cameras = multiprocessing.get_context("fork").Process(target=cameras.run, name="cameras", daemon=True)

    def contact(self) -> dict[str, object]:
        """`port` of the servo bus, paths of the shared memory, servo ids, `pid`."""
        paths = {"frames": self._frames.path, "status": self._physics.path}
        return {"port": self._bus.port, **paths, "servos": self._servo_ids, "pid": os.getpid()}

    def start(self) -> None:
        """Start servos and cameras. To be called before this process has other threads, as it forks."""
        self._cameras.start()
        self._doorbell.close()
        self._bus.start()

    def run(self, stop: threading.Event) -> None:
        """Live until `stop` is set. Raises ProcessError if the cameras end before that."""
        threading.Thread(target=self._stop_with_cameras, args=(stop,), daemon=True).start()
        try:
            self._physics.run(stop)
        finally:
            self._bus.stop()
            lost = not self._cameras.is_alive()
            self._cameras.kill()
            self._cameras.join()
        if lost:
            raise ProcessError(f"the simulated cameras have ended unexpectedly (exit code {self._cameras.exitcode})")

    def move_cube(self, order: CubeMove) -> None:
        """Let a cube be put elsewhere before the next physics step; from any thread."""
        self._physics.move_cube(order)

    def ledger(self) -> dict[str, object]:
        """What happened, in counts; complete after `run`."""
        return {**self._physics.ledger(), **self._bus.ledger.as_json(), "frames": self._frames.ledger()}

    def goals(self) -> Iterator[str]:
        """Every goal position that came over the wire, one JSON object each, with the packet that carried it."""
        for goal in self._bus.ledger.goals:
            facts = {"time_ns": goal.time_ns, "servo": goal.servo_id, "tick": goal.tick, "accepted": goal.accepted}
            yield json.dumps({**facts, "packet": goal.packet.hex()})

    def _stop_with_cameras(self, stop: threading.Event) -> None:
        wait([self._cameras.sentinel])
        stop.set()

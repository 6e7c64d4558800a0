"""Port, cameras and referee of a robot: the bench's, or a simulation's that stands in for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from libra_edge.drivers.dynamixel.port_search import find_port
from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.simulation.printed_board import PrintedBoard
from libra_edge.protocols import Camera, Referee
from libra_edge.robot import Robot

GRAIN = {"front": 2, "wrist": 3}
"""Pixels a ray, each way, of a simulated camera: drawn ray by ray they would take most of a core, and what they
take from the run comes back as staleness. The shipped policy looks at no other pixels."""


@dataclass(frozen=True, slots=True)
class RunHardware:
    """What a run is connected to; the cameras are open. Only a simulation has a referee."""

    port: str
    cameras: list[Camera]
    referee: Referee | None


@contextmanager
def open_hardware(
    robot: Robot,
    wanted_cameras: Collection[str],
    *,
    seed: int,
    task: str,
    grain: Mapping[str, int] = GRAIN,
    board: PrintedBoard | None = None,
) -> Iterator[RunHardware]:
    """Find the arm's port and open the wanted cameras; for a simulated robot start its process first.

    `seed`, `task`, `grain` and `board` set a simulated scene. Everything is closed at the end.
    Raises MissingHardwareError, MissingDependencyError, InstructionError, ProcessError.
    """
    with ExitStack() as stack:
        if robot.simulation is None:
            port, referee = find_port(robot), None
            cameras: list[Camera] = [RealSenseCamera(camera) for camera in robot.camera]
        else:
            # Imported here, because only a simulated robot needs MuJoCo.
            from libra_edge.drivers.simulation.simulated_robot import SimulatedRobot  # noqa: PLC0415

            simulated = stack.enter_context(
                SimulatedRobot.launch(robot, seed=seed, task=task, grain=grain, board=board)
            )
            port, referee, cameras = simulated.port, simulated.referee, simulated.cameras()
        wanted = [camera for camera in cameras if camera.name in wanted_cameras]
        for camera in wanted:
            stack.enter_context(closing(camera))
            camera.open()
        yield RunHardware(port, wanted, referee)

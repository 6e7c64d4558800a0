"""The simulated robot as the runtime sees it: a serial port, cameras, and a referee who knows if the task was done."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from libra_edge.drivers.simulation.child_process import SimulationProcess
from libra_edge.drivers.simulation.cube_move import CubeMove
from libra_edge.drivers.simulation.episode_status import EpisodeStatus, StatusReader
from libra_edge.drivers.simulation.frame_channel import FrameReader
from libra_edge.drivers.simulation.frame_feeder import FrameFeeder
from libra_edge.drivers.simulation.printed_board import PrintedBoard
from libra_edge.drivers.simulation.simulated_cameras import simulated_cameras
from libra_edge.drivers.simulation.tasks import parse_task
from libra_edge.errors import ProcessError
from libra_edge.protocols import Camera, Referee
from libra_edge.robot import Robot

log = logging.getLogger(__name__)

MOVE_S = 2.0
LOOK_S = 0.002


class SimulatedRobot:
    """Owner of the simulation's process; a context manager that ends it.

    Attributes:
        port: device path of the servo bus.
        pid: of the simulation's process.
        referee: knows whether the task was done.
    """

    def __init__(self, robot: Robot, process: SimulationProcess) -> None:
        self._process = process
        self.port: str = process.contact["port"]
        self.pid: int = process.contact["pid"]
        self.referee: Referee = _SimulationReferee(process)
        self._status = StatusReader(process.contact["status"])
        self._moves = 0
        self._cameras = simulated_cameras(robot.camera)
        sinks = [(camera.name, deliver) for camera, deliver in self._cameras]
        self._feeder = FrameFeeder(process.doorbell, FrameReader(process.contact["frames"], robot.camera), sinks)
        self._feeder.start()

    @classmethod
    def launch(
        cls,
        robot: Robot,
        *,
        seed: int,
        task: str,
        grain: Mapping[str, int] | None = None,
        goals: Path | None = None,
        board: PrintedBoard | None = None,
    ) -> SimulatedRobot:
        """Start an episode in a process of its own.

        `grain`: by camera, one ray for a block of so many pixels each way: coarser pictures for less work.
        `goals`: file that gets every goal position the servos received, one line of JSON each.
        `board`: a printed board in the hand or on the table.
        Raises InstructionError for a task the world does not know, InputError, ProcessError.
        """
        parse_task(task)
        options = ["--seed", str(seed), "--task", task]
        for camera, pixels in (grain or {}).items():
            options += ["--grain", f"{camera}={pixels}"]
        if goals is not None:
            options += ["--goals", str(goals)]
        if board is not None:
            options += ["--board", board.model_dump_json()]
        return cls(robot, SimulationProcess(robot, options))

    def cameras(self) -> list[Camera]:
        """One a camera of the robot file, in its order."""
        return [camera for camera, _ in self._cameras]

    def check(self) -> None:
        """Raises ProcessError if the simulation has ended by itself."""
        self._process.check()

    def status(self) -> EpisodeStatus:
        """How the episode stands. Raises ProcessError if the simulation has ended by itself."""
        self._process.check()
        return self._status.newest()

    def move_cube(self, cube: int, x_m: float, y_m: float) -> int:
        """Put a cube (0: the one that the task names) elsewhere on the table, in the world frame; blocks until done.

        Returns when it was moved, monotonic nanoseconds. Pictures taken before that show it in its old place.
        Raises ValueError for a cube or a place that there is not, ProcessError if the simulation does not do it.
        """
        self._moves += 1
        self._process.send(CubeMove(number=self._moves, cube=cube, x_m=x_m, y_m=y_m).model_dump_json())
        give_up = time.monotonic() + MOVE_S
        while (status := self.status()).last_move < self._moves:
            if time.monotonic() > give_up:
                raise ProcessError(f"the simulation has not moved cube {cube} within {MOVE_S:g} s")
            time.sleep(LOOK_S)
        return status.moved_ns

    def summary(self) -> dict[str, Any]:
        """End the episode; its ledger: success, counts of packets, goals, watchdog trips, physics steps and frames.

        May be called again. Raises ProcessError if the simulation had ended by itself.
        """
        try:
            return self._process.end()
        finally:
            self._feeder.join()

    def __enter__(self) -> SimulatedRobot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.summary()
        except ProcessError as fault:
            if kind is None:
                raise
            log.error("%s", fault)  # noqa: TRY400 - one sentence; the error under way is the one to be shown


class _SimulationReferee:
    """Implements `libra_edge.protocols.Referee`."""

    def __init__(self, process: SimulationProcess) -> None:
        self._process = process
        self._status = StatusReader(process.contact["status"])

    def success(self) -> bool:
        """True once the task has been achieved. Raises ProcessError if the simulation has ended by itself."""
        self._process.check()
        return self._status.newest().success

"""The real policy side against a real servo process on emulated servos; systems and cameras can be made to fail.

Everything between a camera's wire and the servo bus is the product's own: camera driver, streams, event loop, servo
process. What a case injects, it injects at the camera's wire or where a system is called.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvloop

from libra_edge.cli.run_hardware import RunHardware
from libra_edge.cli.run_session import Session, SessionOptions, run_session
from libra_edge.clock import MonotonicClock
from libra_edge.messages import Float64, Int64, Observation
from libra_edge.runtime.command import Command
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.run_log import FaultReport, RunLog
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_loop import OnExit
from tests.faults.failing_camera import CameraRig, camera_rigs
from tests.runtime_policy.fakes import ROBOT, FakePlanner, FakeRefiner, a_spec

PATIENCE_S = 40.0
STANDING = 10
"""So many equal goals in a row are a standstill: a tenth of a second."""

PlannerFault = Callable[[Int64], Int64]
RefinerFault = Callable[[Float64], Float64]


@dataclass
class FailingPlanner(FakePlanner):
    """Hands every plan to `fault`, which may wait, raise or change it."""

    fault: PlannerFault = np.copy

    def plan(self, observation: Observation, instruction: Int64) -> Int64:
        return self.fault(super().plan(observation, instruction))


@dataclass
class FailingRefiner(FakeRefiner):
    """Hands every chunk to `fault`."""

    fault: RefinerFault = np.copy

    def refine(self, *arguments: Any) -> Float64:
        return self.fault(super().refine(*arguments))


class KeepingCheck(LimitCheck):
    """Keeps the commands that it checks."""

    def __init__(self) -> None:
        super().__init__(ROBOT)
        self.commands: list[Command] = []

    def check(self, command: Command) -> None:
        self.commands.append(command)
        super().check(command)


@dataclass
class Referee:
    """The scenario says when it has seen enough."""

    done: bool = False

    def success(self) -> bool:
        return self.done


@dataclass
class PolicySide:
    """One run; a scenario is a coroutine that injects, waits and heals."""

    port: str
    cameras: list[CameraRig] = field(default_factory=camera_rigs)
    planner: FailingPlanner = field(default_factory=lambda: FailingPlanner(a_spec()))
    refiner: FailingRefiner = field(default_factory=lambda: FailingRefiner(a_spec()))
    check: KeepingCheck = field(default_factory=KeepingCheck)
    referee: Referee = field(default_factory=Referee)
    injected_ns: int = 0
    healed_ns: int = 0
    session: Session | None = None

    def __post_init__(self) -> None:
        self.log = RunLog(MonotonicClock(), ROBOT.joint_names, self.check)

    def play(self, scenario: Callable[[PolicySide], Coroutine[Any, Any, None]]) -> Session:
        """Run it; the scenario may be cut off by the end of the run."""
        self.session = uvloop.run(self._played(scenario))
        return self.session

    async def _played(self, scenario: Callable[[PolicySide], Coroutine[Any, Any, None]]) -> Session:
        words, clock = np.ones((1, 8), np.int64), self.log.clock
        policy = Policy(self.planner, self.refiner, a_spec(), words, clock=clock, seed=1)
        hardware = RunHardware(self.port, [rig.camera for rig in self.cameras], self.referee)
        options = SessionOptions(
            "koch-sim", "touch it", PATIENCE_S, Mode.ASYNC, OnExit.HOLD, False, after_success_s=0.0
        )
        for rig in self.cameras:
            rig.start()
        acting = asyncio.create_task(self._acted(scenario))
        try:
            return await run_session(policy, ROBOT, hardware, self.log, options)
        finally:
            acting.cancel()
            for rig in self.cameras:
                rig.stop()

    async def _acted(self, scenario: Callable[[PolicySide], Coroutine[Any, Any, None]]) -> None:
        await self.chunks(2)
        await scenario(self)
        self.referee.done = True

    def inject(self) -> None:
        """From now on something is wrong."""
        self.injected_ns = time.monotonic_ns()

    def heal(self) -> None:
        """From now on all is well again."""
        self.healed_ns = time.monotonic_ns()

    async def chunks(self, more: int) -> None:
        """Wait for so many more chunks."""
        wanted = self.log.chunks + more
        await until(lambda: self.log.chunks >= wanted)

    async def holding(self) -> None:
        """Wait until the policy side says that the arm holds."""
        await until(lambda: self.log.holding is not None)

    @property
    def faults(self) -> list[FaultReport]:
        """What was said about what went wrong."""
        return self.log.faults

    def announced_ms(self, word: str) -> float:
        """From the injection to the first announcement with `word` in it."""
        said = next(fault for fault in self.faults if word in fault.kind)
        return self.log.start_ns / 1e6 + said.time_s * 1e3 - self.injected_ns / 1e6

    def stood_ms(self) -> float | None:
        """From the injection to the first command of a standstill; None if the arm never stood."""
        commands = [command for command in self.check.commands if command.time_ns >= self.injected_ns]
        goals = np.array([command.goal for command in commands])
        for index in range(len(goals) - STANDING):
            if np.ptp(goals[index : index + STANDING], axis=0).max() == 0.0:
                return (commands[index].time_ns - self.injected_ns) / 1e6
        return None

    def stands_at_the_end(self) -> bool:
        """Whether the last two goals are one."""
        before, last = self.check.commands[-2:]
        return bool(np.array_equal(before.goal, last.goal))

    def moved_after_ms(self) -> float | None:
        """From the healing to the first command of a picture taken after it; None if there was none."""
        for command in self.check.commands:
            if command.captured_ns is not None and command.captured_ns > self.healed_ns:
                return (command.time_ns - self.healed_ns) / 1e6
        return None


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as it holds. Raises AssertionError if it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)

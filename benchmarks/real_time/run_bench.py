"""Runs on koch-sim in real time, over the wire, one after the other: the models are loaded once for all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import uvloop

from benchmarks.real_time.trace_log import ListeningLog, TraceLog
from libra_edge.bundle import open_bundle
from libra_edge.cli.run_hardware import GRAIN, RunHardware
from libra_edge.cli.run_session import Session, SessionOptions, run_session
from libra_edge.clock import MonotonicClock
from libra_edge.drivers.simulation.simulated_robot import SimulatedRobot
from libra_edge.locate import bundle_path
from libra_edge.robot import open_robot
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.load_systems import load_systems
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.robot_fit import check_fit
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_loop import OnExit

ROBOT = "koch-sim"


@dataclass(frozen=True)
class Order:
    """One run. Without a referee nothing but time ends it: the task's end goes unseen, as on a real arm."""

    task: str
    seed: int
    seconds: float
    mode: Mode = Mode.ASYNC
    after_success_s: float = 0.2
    referee: bool = True
    recording: Path | None = None


Log = TypeVar("Log", bound=ListeningLog)
Beside = Callable[[SimulatedRobot, Log], Awaitable[None]]
"""What happens beside the policy while a run lasts, on its event loop."""


class RealTimeBench:
    """Plays runs with one exported policy."""

    def __init__(self, model: str = "libra_base", robot: str = ROBOT) -> None:
        self.robot = open_robot(robot)
        self.bundle = open_bundle(bundle_path(model))
        self.spec = self.bundle.spec
        check_fit(self.spec, self.robot)
        self.systems = load_systems(self.bundle.policy_files("cpu"))
        self._robot_name = robot

    def play(self, order: Order, beside: Beside[TraceLog] | None = None) -> tuple[Session, TraceLog]:
        """One run from starting the simulation to its end. Raises whatever broke it, KeyboardInterrupt for Ctrl-C."""
        return self.play_into(TraceLog, order, beside)

    def play_into(self, kind: type[Log], order: Order, beside: Beside[Log] | None = None) -> tuple[Session, Log]:
        """The same with a log of this kind."""
        clock = MonotonicClock()
        policy = self.systems.policy(order.task, clock=clock, seed=order.seed)
        options = SessionOptions(
            self._robot_name, order.task, order.seconds, order.mode, OnExit.HOLD, False, order.after_success_s
        )
        with ExitStack() as stack:
            simulated = stack.enter_context(
                SimulatedRobot.launch(self.robot, seed=order.seed, task=order.task, grain=GRAIN)
            )
            hardware = self._hardware(simulated, order, stack)
            recorder = None if order.recording is None else Recorder(order.recording, {"task": order.task})
            if recorder is not None:
                stack.callback(recorder.close)
            log = kind(clock, self.robot.joint_names, LimitCheck(self.robot), recorder)
            driving = run_session(policy, self.robot, hardware, log, options)
            session = uvloop.run(_with_company(driving, beside and beside(simulated, log)))
        if session.fault is not None:
            raise session.fault
        if session.ended == "stopped by you":
            raise KeyboardInterrupt
        return session, log

    def _hardware(self, simulated: SimulatedRobot, order: Order, stack: ExitStack) -> RunHardware:
        wanted = {camera.name for camera in self.spec.camera}
        cameras = [camera for camera in simulated.cameras() if camera.name in wanted]
        for camera in cameras:
            stack.enter_context(closing(camera))
            camera.open()
        return RunHardware(simulated.port, cameras, simulated.referee if order.referee else None)


async def _with_company(driving: Awaitable[Session], beside: Awaitable[None] | None) -> Session:
    """The session; what happens beside it ends with it. Raises what went wrong beside it."""
    if beside is None:
        return await driving
    company = asyncio.ensure_future(beside)
    try:
        session = await driving
    finally:
        company.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await company
    return session

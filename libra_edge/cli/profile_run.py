"""The two measurements of `profile`: the systems alone and side by side, and a run of a robot as `run` makes it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from libra_edge.bundle import Bundle
from libra_edge.cli.run_backend import Backend, load_on
from libra_edge.cli.run_hardware import RunHardware, open_hardware
from libra_edge.cli.run_session import SessionOptions, run_session
from libra_edge.clock import MonotonicClock
from libra_edge.errors import InputError, PlanError, RuntimeFault
from libra_edge.profiling.profile_log import ProfileLog
from libra_edge.profiling.system_calls import SystemCalls
from libra_edge.profiling.timed_camera import TimedCamera
from libra_edge.robot import Robot
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.load_systems import Systems
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.robot_fit import check_fit
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_loop import OnExit

SEED = 7


@dataclass(slots=True)
class WatchedSystems:
    """A bundle's two systems, and the calls that are counted. `calls` stands before their engines."""

    systems: Systems
    calls: SystemCalls = field(default_factory=SystemCalls)

    def policy(self, task: str, clock: MonotonicClock) -> Policy:
        """Both systems, timed, knowing the task. Raises InstructionError."""
        systems = self.systems
        instruction = systems.words.encode(task)
        planner, refiner = self.calls.planner(systems.planner), self.calls.refiner(systems.refiner)
        return Policy(planner, refiner, systems.spec, instruction, clock=clock, seed=SEED)


@contextmanager
def watched_systems(backend: Backend, bundle: Bundle) -> Iterator[WatchedSystems]:
    """Load the bundle's systems with a watch before their engines.

    Raises what `load_on` raises, but InputError for an engine that this device does not take.
    """
    calls = SystemCalls()
    try:
        systems = load_on(backend, bundle, calls)
    except PlanError as error:
        advice = "it was built for another device or is damaged: delete it, and it is built anew here"
        raise InputError(f"{error}; {advice}") from error
    with closing(systems):
        yield WatchedSystems(systems, calls)


def profiled_run(
    watched: WatchedSystems, robot_name: str, robot: Robot, task: str, seconds: float
) -> tuple[ProfileLog, RuntimeFault | None]:
    """Planner, refiner, cameras, recorder and servo process at work for `seconds`; the recording is thrown away.

    The task being done does not end it; what broke it comes with what was seen until then. Raises InputError if it
    cannot be started, KeyboardInterrupt if the user ended it.
    """
    spec, clock = watched.systems.spec, MonotonicClock()
    check_fit(spec, robot)
    policy = watched.policy(task, clock)
    options = SessionOptions(robot_name, task, seconds, Mode.ASYNC, OnExit.HOLD, status=False)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_hardware(robot, {camera.name for camera in spec.camera}, seed=SEED, task=task) as hardware,
        closing(Recorder(Path(folder) / "run.mcap", {})) as recorder,
    ):
        log = ProfileLog(clock, robot.joint_names, LimitCheck(robot), (recorder,), calls=watched.calls)
        cameras: Sequence[TimedCamera] = [TimedCamera(camera, log.read_ns) for camera in hardware.cameras]
        timed = RunHardware(hardware.port, list(cameras), None)
        session = uvloop.run(run_session(policy, robot, timed, log, options))
    if session.ended == "stopped by you":
        raise KeyboardInterrupt
    return log, session.fault

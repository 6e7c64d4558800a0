"""A run of the simulated Koch arm over the wire, as `libra-edge run` makes it, but success does not end it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import uvloop

from libra_edge.bundle import open_bundle
from libra_edge.cli.run_hardware import RunHardware, open_hardware
from libra_edge.cli.run_session import Session, SessionOptions, run_session
from libra_edge.cli.run_view import run_view
from libra_edge.clock import MonotonicClock
from libra_edge.locate import bundle_path
from libra_edge.robot import open_robot
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.load_systems import load_systems
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_loop import OnExit

ROBOT, MODEL = "koch-sim", "libra_base"


def drive(
    task: str, seed: int, mode: Mode, seconds: float, begin: Callable[[], None] = lambda: None, *, view: bool = False
) -> Session:
    """Planner, refiner, cameras, recorder and servo process at work for `seconds`; the recording is thrown away.

    With `view` it is also shown in Rerun, as pages that nobody opens. `begin` is called once everything is loaded,
    before the servo process starts. A fault that ends the run early is part of the result.
    """
    robot, bundle, clock = open_robot(ROBOT), open_bundle(bundle_path(MODEL)), MonotonicClock()
    policy = load_systems(bundle.policy_files("cpu")).policy(task, clock=clock, seed=seed)
    options = SessionOptions(ROBOT, task, seconds, mode, OnExit.HOLD, status=False)
    cameras = {camera.name for camera in bundle.spec.camera}
    metadata = {"task": task, "robot_file": robot.model_dump_json()}
    with (
        tempfile.TemporaryDirectory() as folder,
        open_hardware(robot, cameras, seed=seed, task=task) as hardware,
        run_view(metadata, "--web") if view else nullcontext() as viewer,
    ):
        recorder = Recorder(Path(folder) / "run.mcap", {})
        try:
            log = RunLog(clock, robot.joint_names, LimitCheck(robot), (recorder, *([viewer] if viewer else [])))
            without_referee = RunHardware(hardware.port, hardware.cameras, None)
            begin()
            return uvloop.run(run_session(policy, robot, without_referee, log, options))
        finally:
            recorder.close({})

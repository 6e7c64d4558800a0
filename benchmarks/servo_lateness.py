"""How late the servo loop is in a real-time run of the simulated arm, beside a bare sleeping loop at the same time.

    python benchmarks/servo_lateness.py [SECONDS]

Planner, refiner, cameras and recorder are all at work. The bare loop does nothing but sleep until its next deadline: it
is what this machine can do. The last line is one JSON object, lateness in microseconds.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import uvloop

from libra_edge.bundle import open_bundle
from libra_edge.cli.run_hardware import RunHardware, open_hardware
from libra_edge.cli.run_session import Session, SessionOptions, run_session
from libra_edge.clock import MonotonicClock
from libra_edge.locate import bundle_path
from libra_edge.robot import open_robot
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.load_systems import load_systems
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.run_summary import run_figures
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_loop import OnExit

TASK, SEED = "pick up the red cube", 7
DEFAULT_SECONDS = 60.0


def bare_loop(
    rate_hz: float, started: Event, ended: Event, results: multiprocessing.SimpleQueue[dict[str, float]]
) -> None:
    """Sleep until each deadline; report how late it woke."""
    period_ns, late = round(1e9 / rate_hz), []
    started.wait()
    due_ns = time.monotonic_ns()
    while not ended.is_set():
        due_ns += period_ns
        time.sleep(max(due_ns - time.monotonic_ns(), 0) / 1e9)
        now_ns = time.monotonic_ns()
        late.append((now_ns - due_ns) / 1e3)
        due_ns = max(due_ns, now_ns - period_ns)
    results.put({"p50": float(np.percentile(late, 50)), "p99": float(np.percentile(late, 99)), "n": float(len(late))})


def drive(seconds: float, started: Event) -> Session:
    """A run that success does not end."""
    robot, bundle, clock = open_robot("koch-sim"), open_bundle(bundle_path("libra_base")), MonotonicClock()
    policy = load_systems(bundle.policy_files("cpu")).policy(TASK, clock=clock, seed=SEED)
    options = SessionOptions("koch-sim", TASK, seconds, Mode.ASYNC, OnExit.HOLD, view=False)
    cameras = {camera.name for camera in bundle.spec.camera}
    with tempfile.TemporaryDirectory() as folder, open_hardware(robot, cameras, seed=SEED, task=TASK) as hardware:
        recorder = Recorder(Path(folder) / "run.mcap", {})
        try:
            log = RunLog(clock, robot.joint_names, LimitCheck(robot), recorder)
            without_referee = RunHardware(hardware.port, hardware.cameras, None)
            started.set()
            return uvloop.run(run_session(policy, robot, without_referee, log, options))
        finally:
            recorder.close({})


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_SECONDS
    context = multiprocessing.get_context("spawn")
    started, ended, results = context.Event(), context.Event(), context.SimpleQueue()
    rate_hz = open_robot("koch-sim").servo.rate_hz
    bare = context.Process(target=bare_loop, args=(rate_hz, started, ended, results))
    bare.start()
    try:
        session = drive(seconds, started)
    finally:
        started.set()
        ended.set()
        beside = results.get()
        bare.join()
    figures = run_figures(session.run)
    late = figures["servo_lateness_us"]
    print(f"servo loop late by {late['p50']:.0f} / {late['p99']:.0f} us (p50/p99) over {late['n']} ticks")
    print(f"bare loop late by {beside['p50']:.0f} / {beside['p99']:.0f} us")
    kept = {
        key: figures[key] for key in ("servo_lateness_us", "deadline_misses", "overhead_ms", "planner_ms", "refiner_ms")
    }
    print(json.dumps({**kept, "bare_loop_us": beside, "p99_ratio": late["p99"] / beside["p99"]}))


if __name__ == "__main__":
    main()

"""What profiling costs a chunk: chunks made with and without it in turns, back to back and then in one run.

    python benchmarks/profile_overhead.py [--pairs 1000] [--seconds 240]

The two kinds share their engines, so that nothing but the profiler differs. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from benchmarks.real_time.report import circumstances, quantiles
from libra_edge.bundle import open_bundle
from libra_edge.cli.run_hardware import RunHardware, open_hardware
from libra_edge.cli.run_session import SessionOptions, run_session
from libra_edge.clock import MonotonicClock
from libra_edge.locate import bundle_path
from libra_edge.messages import ActionChunk, Float32, Float64, Int64, Observation
from libra_edge.profiling.profile_log import ProfileLog
from libra_edge.profiling.side_by_side import made_up_observation
from libra_edge.profiling.system_calls import SystemCalls
from libra_edge.profiling.timed_camera import TimedCamera
from libra_edge.robot import open_robot
from libra_edge.runtime.denoiser import EngineDenoiser
from libra_edge.runtime.engine_onnxruntime import load_onnxruntime_engines
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.load_systems import load_words
from libra_edge.runtime.planner import EnginePlanner
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.refiner import EngineRefiner
from libra_edge.runtime.run_log import RefineTimes
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_loop import OnExit

ROBOT, MODEL, TASK, SEED = "koch-sim", "libra_base", "pick up the red cube", 760_000


class InTurns:
    """Two refiners over the same engines, the second of them profiled; every other call goes to that one.

    Attributes:
        profiled: whether the last call did.
    """

    def __init__(self, model: str) -> None:
        self.files = open_bundle(bundle_path(model)).policy_files("cpu")
        self.spec, self.calls = self.files.spec, SystemCalls()
        engines, steps = load_onnxruntime_engines(self.files), self.files.spec.policy.denoising_steps
        encoder, step = engines.refiner_encoder, engines.refiner_step
        plain = EngineRefiner(EngineDenoiser(encoder, step, steps), self.spec)
        timed = EngineDenoiser(self.calls.engine(encoder), self.calls.engine(step), steps)
        self.kinds = (plain, self.calls.refiner(EngineRefiner(self.calls.denoiser(timed), self.spec)))
        self.planner = self.calls.planner(EnginePlanner(self.calls.engine(engines.planner), self.spec))
        self.profiled = False

    def refine(self, observation: Observation, tokens: Int64, plan_age: int, noise: Float32) -> Float64:
        self.profiled = not self.profiled
        return self.kinds[self.profiled].refine(observation, tokens, plan_age, noise)


@dataclass
class LogInTurns(ProfileLog):
    """Keeps what the profiler keeps of the profiled chunks, and of the others what every run keeps."""

    in_turns: InTurns | None = None
    times_ms: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    def chunk(self, chunk: ActionChunk, observation: Observation, times: RefineTimes) -> None:
        profiled = self.in_turns is not None and self.in_turns.profiled
        (super().chunk if profiled else super(ProfileLog, self).chunk)(chunk, observation, times)
        self.times_ms[profiled].append(times.refine_ms)


def back_to_back(in_turns: InTurns, pairs: int) -> tuple[list[float], list[float]]:
    """Times of calls without and with, ms; who goes first in a pair alternates."""
    spec, times_ms = in_turns.spec, ([], [])  # type: tuple[Any, tuple[list[float], list[float]]]
    rows = (spec.policy.chunk_steps, len(spec.action.joints))
    observation, tokens = made_up_observation(spec), np.zeros(rows, np.int64)
    noise = np.random.default_rng(0).standard_normal((1, *rows)).astype(np.float32)
    for pair in range(-5, pairs):
        for kind in (0, 1) if pair % 2 else (1, 0):
            began = time.perf_counter_ns()
            in_turns.kinds[kind].refine(observation, tokens, 0, noise)
            if pair >= 0:
                times_ms[kind].append((time.perf_counter_ns() - began) / 1e6)
    return times_ms


def in_one_run(in_turns: InTurns, seconds: float) -> tuple[list[float], list[float]]:
    """Times from observation to chunk of one run, without and with, ms."""
    robot, clock = open_robot(ROBOT), MonotonicClock()
    instruction = load_words(in_turns.files).encode(TASK)
    policy = Policy(in_turns.planner, in_turns, in_turns.spec, instruction, clock=clock, seed=SEED)
    options = SessionOptions(ROBOT, TASK, seconds, Mode.ASYNC, OnExit.HOLD, status=False)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_hardware(robot, {camera.name for camera in in_turns.spec.camera}, seed=SEED, task=TASK) as hardware,
    ):
        recorder = Recorder(Path(folder) / "run.mcap", {})
        try:
            limits = LimitCheck(robot)
            log = LogInTurns(clock, robot.joint_names, limits, (recorder,), calls=in_turns.calls, in_turns=in_turns)
            cameras = [TimedCamera(camera, log.read_ns) for camera in hardware.cameras]
            unjudged = RunHardware(hardware.port, list(cameras), None)
            session = uvloop.run(run_session(policy, robot, unjudged, log, options))
        finally:
            recorder.close({})
    if session.fault is not None:
        raise session.fault
    return log.times_ms


def cost(times_ms: tuple[list[float], list[float]]) -> dict[str, Any]:
    """Of both kinds, and what the median grows by."""
    without, profiled = (quantiles(times) for times in times_ms)
    growth = 100 * (float(np.median(times_ms[1])) / float(np.median(times_ms[0])) - 1)
    return {"without_ms": without, "with_ms": profiled, "overhead_percent": round(growth, 3)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", default=MODEL, help=f"name or folder of a bundle [default: {MODEL}]")
    options.add_argument("--pairs", type=int, default=1000, help="calls of each kind, back to back [default: 1000]")
    options.add_argument("--seconds", type=float, default=240.0, help="length of the run; 0: none [default: 240]")
    chosen = options.parse_args()
    in_turns = InTurns(chosen.model)
    print(f"{chosen.pairs} pairs of calls", file=sys.stderr)
    calls = cost(back_to_back(in_turns, chosen.pairs))
    print(f"a run of {chosen.seconds:.0f} s", file=sys.stderr)
    run = cost(in_one_run(in_turns, chosen.seconds)) if chosen.seconds else None
    print(json.dumps({**circumstances(), "back_to_back": calls, "in_one_run": run}))


if __name__ == "__main__":
    main()

"""Success in real time, over the wire, beside lock-step with the same delays: what `make soak` runs.

    python -m benchmarks.soak.realtime_success [--episodes 400]

Each episode is played twice from the same scene with the same noise: in real time (simulation, servo process, recorder
and this policy process side by side) and in lock-step, whose pictures and plans are as old as they were in that
real-time run (medians over its chunks, in whole servo ticks). Seeds run from 700000 on, tasks and colours by turns, and
every episode counts: a fault of the run is a failure. Both have 12 s.

Every result is kept in a file, under a name made from the bundle and the sources, and a second call goes on where the
first was broken off. Recordings of episodes that failed in real time are kept. The last line is one JSON object; exit
code 1 if the difference is 4 points or more.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.real_time.report import Progress, end_with, print_result, quantiles
from benchmarks.real_time.run_bench import Order, RealTimeBench
from benchmarks.soak.episode_file import EpisodeFile, fingerprint
from benchmarks.soak.lockstep_twin import LockStepTwin
from benchmarks.soak.measured_delays import Delays, measured_delays
from libra_edge.cli.closed_loop import closed_loop_orders
from libra_edge.cli.lockstep_pool import MAX_SECONDS, EpisodeOrder
from libra_edge.errors import RuntimeFault
from libra_edge.runtime.paired_difference import PairedDifference

FIRST_SEED = 700_000
MARGIN_POINTS = 4.0
USUAL = Delays(55_000_000, 130_000_000, 2)
"""For the twin of a run in which no chunk was followed, which has no delays to measure."""


def main() -> int:
    """Play, keep, judge. Returns the exit code."""
    options = parse_options()
    bench = RealTimeBench()
    key = fingerprint(bench.bundle.sha256, f"{MAX_SECONDS}")
    kept = EpisodeFile(options.folder / f"real-time-success-{key}.jsonl")
    orders = closed_loop_orders(options.episodes, FIRST_SEED)
    print(f"{len(kept.episodes)} of {len(orders)} episodes are in {kept.path}", file=sys.stderr)
    progress = Progress("episode", len(orders))
    progress.skip(min(len(kept.episodes), len(orders)))
    twin = LockStepTwin(bench.systems, bench.robot)
    for order in orders[len(kept.episodes) :]:
        kept.append(play_both(bench, twin, order, options.folder))
        progress.advance(running(kept.episodes))
    figures = judge(kept.episodes[: len(orders)])
    print_result({"benchmark": "realtime_success", "results": str(kept.path), **figures})
    return 0 if figures["difference_under_4_points"] else 1


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak.realtime_success", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--episodes", type=int, default=400)
    parser.add_argument("--folder", type=Path, default=Path("recordings/soak"), help="for results and recordings")
    options = parser.parse_args()
    if options.episodes < 1:
        parser.error("--episodes must be at least 1")
    return options


def play_both(bench: RealTimeBench, twin: LockStepTwin, order: EpisodeOrder, folder: Path) -> dict[str, Any]:
    """One episode in real time and in lock-step, as it is kept."""
    real_time, delays = play_real_time(bench, order, folder)
    ticks = bench.spec.policy.step_ns, round(1e9 / bench.robot.servo.rate_hz)
    as_lockstep = (delays or USUAL).as_lockstep(*ticks)
    result = twin.play(order.task, order.seed, MAX_SECONDS, **as_lockstep)
    lockstep = {
        "success": result.success,
        "seconds": result.control_steps / bench.spec.policy.rate_hz,
        "held_steps": result.held_steps,
        "plan_age_steps": median([chunk.plan_age_steps for chunk in result.chunks[1:]]),
        **as_lockstep,
    }
    return {"seed": order.seed, "task": order.task, "real_time": real_time, "lockstep": lockstep}


def play_real_time(bench: RealTimeBench, order: EpisodeOrder, folder: Path) -> tuple[dict[str, Any], Delays | None]:
    recording = folder / f"{order.seed}.mcap"
    recording.unlink(missing_ok=True)
    try:
        session, log = bench.play(Order(order.task, order.seed, MAX_SECONDS, recording=recording))
    except RuntimeFault as fault:
        return {"success": False, "fault": str(fault)}, None
    success = session.end.success is True
    if success:
        recording.unlink(missing_ok=True)
    delays = measured_delays(log.plan_traces, log.chunk_traces, log.first_commands_ns)
    return {
        "success": success,
        "success_s": session.success_s,
        "ended": session.ended,
        "seconds": log.seconds,
        "chunks": log.chunks,
        "late_chunks": log.late_chunks,
        "faults": [fault.kind for fault in log.faults],
        "limits_violated": log.limits.violated,
        "chunk_picture_ms": None if delays is None else delays.chunk_picture_ns / 1e6,
        "plan_picture_ms": None if delays is None else delays.plan_picture_ns / 1e6,
        "plan_age_steps": None if delays is None else delays.plan_age_steps,
    }, delays


def judge(episodes: list[dict[str, Any]]) -> dict[str, Any]:
    """The verdict. The difference is lock-step minus real time, in points: what real time cost."""
    pairs = PairedDifference()
    for episode in episodes:
        pairs = pairs.counting(episode["lockstep"]["success"], episode["real_time"]["success"])
    assert pairs.difference is not None
    points = round(100 * pairs.difference, 2)
    low, high = (round(100 * end, 2) for end in pairs.interval)
    real = [episode["real_time"] for episode in episodes]
    ages = [(episode["real_time"].get("plan_age_steps"), episode["lockstep"]["plan_age_steps"]) for episode in episodes]
    compared = [real_age == lockstep_age for real_age, lockstep_age in ages if None not in (real_age, lockstep_age)]
    return {
        "episodes": len(episodes),
        "seeds": [episodes[0]["seed"], episodes[-1]["seed"]],
        "lockstep": pairs.first.as_json(),
        "real_time": pairs.second.as_json(),
        "only_lockstep": pairs.only_first,
        "only_real_time": pairs.only_second,
        "difference_points": points,
        "interval_points": [low, high],
        "difference_under_4_points": abs(points) < MARGIN_POINTS,
        "interval_under_4_points": low > -MARGIN_POINTS and high < MARGIN_POINTS,
        "chunk_picture_ms": quantiles([each["chunk_picture_ms"] for each in real if each.get("chunk_picture_ms")], 1),
        "plan_picture_ms": quantiles([each["plan_picture_ms"] for each in real if each.get("plan_picture_ms")], 1),
        "same_plan_age": {"n": sum(compared), "of": len(compared)},
        "runs_with_a_fault": sum("fault" in each for each in real),
        "limits_violated": sum(each.get("limits_violated", 0) for each in real),
        "failed_in_real_time": [episode["seed"] for episode in episodes if not episode["real_time"]["success"]],
        "failed_in_lockstep": [episode["seed"] for episode in episodes if not episode["lockstep"]["success"]],
    }


def running(episodes: list[dict[str, Any]]) -> str:
    done = {name: sum(episode[name]["success"] for episode in episodes) for name in ("real_time", "lockstep")}
    return f"real time {done['real_time']}, lock-step {done['lockstep']} of {len(episodes)}"


def median(values: list[int]) -> float | None:
    return statistics.median(values) if values else None


if __name__ == "__main__":
    end_with(main)

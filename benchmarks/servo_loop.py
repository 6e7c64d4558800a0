"""How punctual the servo loop is with everything at work, beside a bare clock_nanosleep loop at the same time.

    python benchmarks/servo_loop.py [--seconds 600] [--picture late.png]

Planner, refiner, cameras and recorder work on the simulated arm, over the wire. The bare loop is a process of its own
that gets the servo process's scheduling and does nothing but sleep until its next deadline. The last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.pictures.lateness_plot import draw_lateness
from benchmarks.real_time.bare_loop import bare_loop
from benchmarks.real_time.koch_sim_run import ROBOT, drive
from benchmarks.real_time.resident_memory import ResidentMemory, watched_memory
from libra_edge.cli.run_session import Session
from libra_edge.robot import open_robot
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_durations import Durations

TASK, SEED = "pick up the red cube", 7
FIRST_MINUTE_S = 60
MEMORY_SAMPLES = 5
"""Averaged at either end, so that one picture more or less in a queue does not count as growth."""

MOST_TIMES_BARE, MOST_MISSED, MOST_OVERHEAD_MS, MOST_GROWTH = 2.0, 0.001, 0.5, 0.01


@dataclass(frozen=True, slots=True)
class Ticks:
    """What the servo process counted from the start of the run on, homing left out."""

    lateness: Durations
    busy: Durations
    ticks: int
    missed: int


def ticks_of(run: Run) -> Ticks:
    """The difference between the last telemetry and the first. The longest durations are those of the whole process."""
    first, last = run.first_telemetry, run.telemetry
    assert first is not None, "the run never began"
    assert last is not None, "the servo process said nothing"
    lateness = Durations(last.lateness.counts - first.lateness.counts, last.lateness.longest_ns)
    busy = Durations(last.busy.counts - first.busy.counts, last.busy.longest_ns)
    return Ticks(lateness, busy, last.ticks - first.ticks, last.deadline_misses - first.deadline_misses)


def lateness_us(late: Durations) -> dict[str, float | None]:
    """p50, p99, p99.9 and the largest."""
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    found = {**{name: late.quantile_us(share) for name, share in shares.items()}, "max": late.longest_ns / 1e3}
    return {name: None if us is None else round(us, 1) for name, us in found.items()}


def growth(samples: list[int]) -> dict[str, float | None]:
    """Megabytes after the first minute and at the end, and the share by which they grew; None in too short a run."""
    later = samples[FIRST_MINUTE_S:]
    if len(later) < 2 * MEMORY_SAMPLES:
        return {"after_a_minute_mb": None, "at_the_end_mb": None, "growth": None}
    before, after = (sum(some) / MEMORY_SAMPLES for some in (later[:MEMORY_SAMPLES], later[-MEMORY_SAMPLES:]))
    return {
        "after_a_minute_mb": round(before / 1e6, 2),
        "at_the_end_mb": round(after / 1e6, 2),
        "growth": round(after / before - 1.0, 5),
    }


def verdicts(figures: dict[str, Any]) -> dict[str, bool | None]:
    """What was asked of the loop, and whether it holds; None where the run was too short to tell."""
    grown = [figures["memory"][process]["growth"] for process in ("policy", "servo")]
    return {
        "ran_to_the_end": figures["fault"] is None,
        "p99.9_at_most_twice_bare": figures["p99.9_ratio"] <= MOST_TIMES_BARE,
        "missed_under_a_thousandth": figures["missed_share"] < MOST_MISSED,
        "overhead_p50_under_half_a_ms": figures["overhead_ms_p50"] < MOST_OVERHEAD_MS,
        "memory_flat": None if None in grown else all(share < MOST_GROWTH for share in grown),
    }


def figures_of(session: Session, bare: Durations, memory: ResidentMemory) -> dict[str, Any]:
    """Everything that was measured, up to the fault that ended the run early, if one did."""
    run = session.run
    servo = ticks_of(run)
    servo_us, bare_us = lateness_us(servo.lateness), lateness_us(bare)
    worst, bare_worst, busy_us = servo_us["p99.9"], bare_us["p99.9"], servo.busy.quantile_us(0.5)
    assert worst is not None
    assert bare_worst is not None
    assert busy_us is not None
    return {
        "fault": None if session.fault is None else str(session.fault),
        "seconds": round(run.log.seconds, 1),
        "servo_lateness_us": servo_us,
        "bare_lateness_us": bare_us,
        "p99.9_ratio": round(worst / bare_worst, 3),
        "ticks": servo.ticks,
        "missed": servo.missed,
        "missed_share": round(servo.missed / servo.ticks, 6),
        "overhead_ms_p50": round(busy_us / 1e3, 3),
        "plans": run.log.plans,
        "chunks": run.log.chunks,
        "recoveries": 0 if run.telemetry is None else run.telemetry.recoveries,
        "limits_violated": run.log.limits.violated,
        "memory": {"policy": growth(memory.policy), "servo": growth(memory.servo)},
    }


def main() -> None:
    """Measure, draw and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=600.0, help="how long [default: 600]")
    options.add_argument("--picture", type=Path, help="draw both distributions of lateness into this PNG file")
    chosen = options.parse_args()
    print(f"driving for {chosen.seconds:g} s ...", file=sys.stderr)
    with bare_loop(open_robot(ROBOT).servo.rate_hz) as bare, watched_memory() as memory:
        session = drive(TASK, SEED, Mode.ASYNC, chosen.seconds, begin=bare.start)
        bare_late, granted = bare.result()
    figures = figures_of(session, bare_late, memory)
    if chosen.picture is not None:
        draw_lateness({"servo loop": ticks_of(session.run).lateness, "bare loop": bare_late}, chosen.picture)
    print(json.dumps({**figures, "real_time": granted, "verdicts": verdicts(figures)}))


if __name__ == "__main__":
    main()

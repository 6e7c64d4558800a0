"""Async, serial and sync mode side by side: the simulated Koch arm over the wire, in turns, in one run.

    python benchmarks/modes.py [--runs 5] [--seconds 20] [--picture modes.png]

Every mode drives the same scenes for the same time; success ends nothing. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.pictures.modes_plot import draw_modes
from benchmarks.real_time.koch_sim_run import drive
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.run_summary import run_figures
from libra_edge.runtime.schedule import Mode

TASK, FIRST_SEED = "pick up the red cube", 740_000
TIMES = ("planner_ms", "refiner_ms", "refine_ms", "capture_to_command_ms")
MOST_OVER_REFINER_MS = 3.0
Figures = dict[str, Any]


def figures_of(run: Run) -> Figures:
    """One run's figures.

    `chunk_cost_ms` is `refine_ms` (p50) and the share of the planner's time that it waited for; `held_share` is the
    share of the time for which there was no chunk.
    """
    figures, policy = run_figures(run), run.policy
    waited_for_ms = 0.0 if run.mode is Mode.ASYNC else figures["planner_ms"]["p50"] * run.log.plans / run.log.chunks
    covered_s = figures["chunks"] * policy.chunk_steps * policy.steps.step_ns / 1e9
    return {
        **{name: figures[name] for name in TIMES},
        "chunk_cost_ms": figures["refine_ms"]["p50"] + waited_for_ms,
        "chunks_a_second": figures["chunks"] / figures["seconds"],
        "held_share": max(0.0, 1.0 - covered_s / figures["seconds"]),
        "plan_age_steps": figures["plan_age_steps"],
        "servo_hz": figures["servo_hz"],
        "late_chunks": figures["late_chunks"],
        "limits_violated": figures["limits_violated"],
        "faults": len(figures["faults"]),
    }


def of_all(runs: list[Figures]) -> Figures:
    """One mode: of p50 and rates the median over its runs, of p99 the largest, of counts the sum."""
    together: Figures = {}
    for name in (*TIMES, "plan_age_steps"):
        seen = [run[name] for run in runs if run[name]["n"]]
        together[name] = {
            "p50": statistics.median(one["p50"] for one in seen),
            "p99": max(one["p99"] for one in seen),
            "n": sum(one["n"] for one in seen),
        }
    for name in ("chunk_cost_ms", "chunks_a_second", "held_share", "servo_hz"):
        together[name] = round(statistics.median(run[name] for run in runs), 4)
    for name in ("late_chunks", "limits_violated", "faults"):
        together[name] = sum(run[name] for run in runs)
    return together


def main() -> None:
    """Measure, draw and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=5, help="scenes, each driven in every mode [default: 5]")
    options.add_argument("--seconds", type=float, default=20.0, help="length of each run [default: 20]")
    options.add_argument("--picture", type=Path, help="draw the three modes into this PNG file")
    chosen = options.parse_args()
    runs: dict[str, list[Figures]] = {mode.value: [] for mode in Mode}
    for seed in range(FIRST_SEED, FIRST_SEED + chosen.runs):
        for mode in Mode:
            session = drive(TASK, seed, mode, chosen.seconds)
            if session.fault is not None:
                raise session.fault
            figures = figures_of(session.run)
            runs[mode.value].append(figures)
            print(f"seed {seed}, {mode.value}: refine {figures['refine_ms']['p50']} ms (p50)", file=sys.stderr)
    modes = {name: of_all(some) for name, some in runs.items()}
    over_ms = modes["async"]["refine_ms"]["p50"] - modes["async"]["refiner_ms"]["p50"]
    if chosen.picture is not None:
        draw_modes(modes, chosen.picture)
    hides = over_ms <= MOST_OVER_REFINER_MS
    print(json.dumps({"modes": modes, "refine_over_refiner_ms": round(over_ms, 3), "async_hides_the_planner": hides}))


if __name__ == "__main__":
    main()

"""Planner and refiner in turns or at once: the paper's own schedule, and what sharing one GPU costs.

    python benchmarks/schedules.py [--picture docs/images/contention.png]

The real planner stream and refiner stream run in virtual time on timed engines of the paper's inferred cost: 60 ms a
plan, 92 ms a refinement. See docs/concurrency.md. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

import numpy as np

from benchmarks.pictures.contention_plot import draw_contention
from benchmarks.timed.stand_ins import CHUNK_STEPS
from benchmarks.timed.timed_run import Outcome, Setting, play
from libra_edge.runtime.schedule import Mode

PAPER_MS = {2: 122.0, 3: 112.0, 4: 107.0, 5: 104.0}
"""M and average latency in Libra-VLA (arXiv 2604.24921); its planner and refiner cost are our inference."""

TOLERANCE = 0.03
RATES_HZ = (10.0, 30.0)
CONTENTIONS = tuple(round(0.1 * tenth, 1) for tenth in range(11))
Figures = dict[str, float]


def figures_of(outcome: Outcome) -> Figures:
    """Latency (time in the systems a chunk waits for), chunk rate and plan age of one run."""
    setting, refiner_ms = outcome.setting, outcome.milliseconds("refiner")
    serial = setting.mode is Mode.SERIAL
    step_ms = 1e3 / setting.rate_hz
    chunk_seconds = len(refiner_ms) * CHUNK_STEPS / setting.rate_hz
    figures = {
        "latency_ms": outcome.amortised_ms if serial else float(np.mean(refiner_ms)),
        "latency_max_ms": max(both for both, _ in outcome.new_plan_ms) if serial else max(refiner_ms),
        "chunks_a_second": len(refiner_ms) / setting.seconds,
        "plan_age_ms": float(np.mean(outcome.plan_ages)) * step_ms,
        "plan_age_max_ms": max(outcome.plan_ages) * step_ms,
        "time_without_chunk": max(0.0, 1.0 - chunk_seconds / setting.seconds),
    }
    return {name: round(value, 3) for name, value in figures.items()}


def serial_schedule(seconds: float) -> dict[str, Figures]:
    """The paper's schedule for each M."""
    table = {}
    for refinements, paper_ms in PAPER_MS.items():
        outcome = play(Setting(Mode.SERIAL, refinements, seconds=seconds))
        figures = figures_of(outcome)
        table[str(refinements)] = {
            "paper_ms": paper_ms,
            "amortised_ms": figures["latency_ms"],
            "off_by": round(figures["latency_ms"] / paper_ms - 1, 4),
            "new_plan_ms": figures["latency_max_ms"],
            "new_plan_on_time_grid_ms": round(max(wait for _, wait in outcome.new_plan_ms), 3),
            "chunks_a_second": figures["chunks_a_second"],
            "plan_age_max_ms": figures["plan_age_max_ms"],
        }
        print(f"serial, M = {refinements}: {figures['latency_ms']:.1f} ms a chunk, paper {paper_ms}", file=sys.stderr)
    return table


def contention_table(rate_hz: float, seconds: float) -> dict[str, list[Figures]]:
    """For one control rate: async that plans without pause, async with a plan a chunk, and serial (M = 2), against c.

    Serial feels no contention; it stands in the table once.
    """
    table = {"serial": [figures_of(play(Setting(Mode.SERIAL, 2, rate_hz=rate_hz, seconds=seconds)))]}
    for name, every in (("plan_without_pause", 1), ("plan_a_chunk", CHUNK_STEPS)):
        table[name] = [
            figures_of(play(Setting(Mode.ASYNC, 2, contention, every, rate_hz=rate_hz, seconds=seconds)))
            for contention in CONTENTIONS
        ]
        print(f"async at {rate_hz:g} Hz, {name}: done", file=sys.stderr)
    return table


def reaches(values: list[float], bound: float) -> float | None:
    """The contention from which `values` (one for each of CONTENTIONS) exceed `bound`, interpolated; None if never."""
    for index, value in enumerate(values):
        if value > bound:
            if index == 0:
                return CONTENTIONS[0]
            before, step = values[index - 1], CONTENTIONS[1] - CONTENTIONS[0]
            return round(CONTENTIONS[index - 1] + step * (bound - before) / (value - before), 3)
    return None


def where_it_stops_paying(table: dict[str, list[Figures]]) -> dict[str, dict[str, float | None]]:
    """For each way to plan: the contention above which a chunk takes longer than serial's, or fewer come than there."""
    serial = table["serial"][0]
    return {
        name: {
            "mean_above_serial_mean": reaches([row["latency_ms"] for row in rows], serial["latency_ms"]),
            "mean_above_serial_new_plan": reaches([row["latency_ms"] for row in rows], serial["latency_max_ms"]),
            "rate_below_serial": reaches([-row["chunks_a_second"] for row in rows], -serial["chunks_a_second"]),
        }
        for name, rows in table.items()
        if name != "serial"
    }


def main() -> None:
    """Measure, draw and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=120.0, help="virtual seconds a run [default: 120]")
    options.add_argument("--picture", type=Path, help="draw latency, chunk rate and plan age into this PNG file")
    chosen = options.parse_args()
    logging.getLogger("libra_edge").setLevel(logging.ERROR)  # holds are counted, as time without a chunk
    serial = serial_schedule(chosen.seconds)
    tables = {f"{rate_hz:g}": contention_table(rate_hz, chosen.seconds) for rate_hz in RATES_HZ}
    if chosen.picture is not None:
        draw_contention(CONTENTIONS, tables, chosen.picture)
    result = {
        "serial": serial,
        "contention": CONTENTIONS,
        "by_rate_hz": tables,
        "stops_paying": {rate: where_it_stops_paying(table) for rate, table in tables.items()},
        "serial_as_published": all(abs(row["off_by"]) <= TOLERANCE for row in serial.values()),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

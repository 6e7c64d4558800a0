"""How long a cycle of the servo bus takes, beside the wire's own time and beside ROBOTIS' SDK doing the same.

    python benchmarks/bus.py [--cycles 400] [--rounds 8] [--cpu-seconds 10] [--picture bus.png]

Six emulated servos of the Koch arm on a pseudo-terminal whose far end takes as long as a wire at 1, 2, 3 and 4 Mbit/s.
There is no USB adapter in it: what one adds, up to a millisecond each way, is not measured here. Ours and the SDK's
cycles take turns on the same port. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pictures.bus_plot import draw_bus
from benchmarks.wire.cycles import Cycle, OurBus, SdkBus, cpu_share, durations_us, wire_us
from benchmarks.wire.far_end import far_end, lose
from libra_edge.robot import open_robot
from libra_edge.runtime.realtime import keep_processors_awake

ROBOT = "koch"
SERVOS = {joint.id: joint.servo for joint in open_robot(ROBOT).joint}
IDS = list(SERVOS)
BAUDS = (1_000_000, 2_000_000, 3_000_000, 4_000_000)
MISSING: Mapping[str, tuple[int, ...]] = {
    "one servo": (3,),
    "chain of four": (3, 4, 5, 6),
    "all six": tuple(IDS),
}
CPU_HZ = 100.0
SDK_MISSING_CYCLES = 10
"""Each takes 35 ms and more."""
MOST_OVER_WIRE_US, MOST_MISSING_US, MOST_CPU, LEAST_PACED = 120.0, 3000.0, 0.08, 0.99


def quantiles(taken_us: list[float]) -> dict[str, float]:
    """p50, p99 and the largest, us."""
    found = {"p50": np.quantile(taken_us, 0.5), "p99": np.quantile(taken_us, 0.99), "max": max(taken_us)}
    return {**{name: round(float(value), 1) for name, value in found.items()}, "n": len(taken_us)}


def in_turns(ours: Cycle, theirs: Cycle, cycles: int, rounds: int) -> dict[str, dict[str, float]]:
    """Both in blocks that take turns, so that whatever disturbs the machine disturbs both."""
    taken: dict[str, list[float]] = {"ours": [], "sdk": []}
    for _ in range(rounds):
        taken["ours"] += durations_us(ours, cycles // rounds)
        taken["sdk"] += durations_us(theirs, cycles // rounds)
    return {name: quantiles(values) for name, values in taken.items()}


def paced(theirs: SdkBus, baud: int, count: int) -> float:
    """What the SDK's clock sees of a lone read, over the wire's time for it: the least of `count`.

    A read that was not answered is left out, and what comes of it too late: the SDK would take it for the next answer.
    """
    lone_us = wire_us(len(IDS), baud, fast=True) - wire_us(len(IDS), baud, fast=True) * 44 / 156
    theirs.settle()
    taken: list[float] = []
    while len(taken) < count:
        time.sleep(0.002)
        began = time.perf_counter()
        if theirs.answered():
            taken.append((time.perf_counter() - began) * 1e6)
        else:
            theirs.settle()
    return round(min(taken) / lone_us, 4)


def at(baud: int, cycles: int, rounds: int) -> dict[str, Any]:
    """Fast and plain cycles at one speed."""
    found: dict[str, Any] = {}
    with far_end(ROBOT, baud) as (port, _):
        for name, fast in (("fast_sync_read", True), ("sync_read", False)):
            ours, theirs = OurBus(port, baud, SERVOS, fast=fast), SdkBus(port, baud, IDS, fast=fast)
            wire = wire_us(len(IDS), baud, fast=fast)
            found[name] = {"wire_us": wire, **in_turns(ours.cycle, theirs.cycle, cycles, rounds)}
            if fast:
                found["sdk_read_over_wire"] = paced(theirs, baud, cycles // rounds)
            ours.close()
            theirs.close()
    return found


def with_missing(baud: int, cycles: int) -> dict[str, Any]:
    """The cycle from the moment at which servos fall silent on, and back to all six."""
    found: dict[str, Any] = {}
    with far_end(ROBOT, baud) as (port, process):
        for name, missing in MISSING.items():
            lose(process, ())
            ours, theirs = OurBus(port, baud, SERVOS, fast=True), SdkBus(port, baud, IDS, fast=True)
            durations_us(ours.cycle, cycles)
            lose(process, missing)
            taken_us = durations_us(ours.cycle, cycles)
            sdk_us = durations_us(theirs.cycle, SDK_MISSING_CYCLES)
            answered = len(ours.cycle()) // 3
            found[name] = {
                "ours": quantiles(taken_us),
                "ours_first_us": round(taken_us[0], 1),
                "sdk": quantiles(sdk_us),
                "servos_known": answered,
            }
            ours.close()
            theirs.close()
    return found


def cpu(baud: int, seconds: float, rounds: int) -> dict[str, float]:
    """Shares of a core at 100 cycles a second."""
    shares: dict[str, list[float]] = {"ours": [], "sdk": []}
    with far_end(ROBOT, baud) as (port, _):
        ours, theirs = OurBus(port, baud, SERVOS, fast=True), SdkBus(port, baud, IDS, fast=True)
        for _ in range(rounds):
            shares["ours"].append(cpu_share(ours.cycle, CPU_HZ, seconds / rounds))
            shares["sdk"].append(cpu_share(theirs.cycle, CPU_HZ, seconds / rounds))
        ours.close()
        theirs.close()
    return {name: round(float(np.median(values)), 4) for name, values in shares.items()}


def verdicts(figures: dict[str, Any]) -> dict[str, bool]:
    """What was asked of the bus, and whether it holds."""
    kinds = [figures["rates"][str(baud)][kind] for baud in BAUDS for kind in ("fast_sync_read", "sync_read")]
    wire = figures["rates"][str(BAUDS[0])]["fast_sync_read"]["wire_us"]
    silent = figures["missing"].values()
    return {
        "wire_plus_120_us": all(kind["ours"]["p50"] <= kind["wire_us"] + MOST_OVER_WIRE_US for kind in kinds),
        "never_slower_than_sdk": all(kind["ours"]["p50"] <= kind["sdk"]["p50"] for kind in kinds),
        "missing_within_3_ms_of_wire": all(item["ours"]["p50"] <= wire + MOST_MISSING_US for item in silent),
        "cpu_under_8_percent": figures["cpu_at_100_hz"]["ours"] < MOST_CPU,
        "pacing_holds": all(figures["rates"][str(baud)]["sdk_read_over_wire"] >= LEAST_PACED for baud in BAUDS),
    }


def _awake() -> str:
    """What the servo process asks for too; for ours and the SDK alike."""
    try:
        return f"processors awake: {keep_processors_awake()}"
    except OSError as error:
        return f"processors may go to sleep: {error.strerror}"


def main() -> None:
    """Measure, draw and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cycles", type=int, default=2000, help="of each kind at each speed [default: 2000]")
    options.add_argument("--rounds", type=int, default=20, help="ours and the SDK's take turns so often [default: 20]")
    options.add_argument("--cpu-seconds", type=float, default=20.0, help="for the share of a core [default: 20]")
    options.add_argument("--picture", type=Path, help="draw the cycle times into this PNG file")
    chosen = options.parse_args()
    print(_awake(), file=sys.stderr)
    rates = {}
    for baud in BAUDS:
        print(f"{baud / 1e6:g} Mbit/s ...", file=sys.stderr)
        rates[str(baud)] = at(baud, chosen.cycles, chosen.rounds)
    print("missing servos, CPU ...", file=sys.stderr)
    figures: dict[str, Any] = {
        "link": "pseudo-terminal, no USB adapter",
        "rates": rates,
        "missing": with_missing(BAUDS[0], chosen.cycles // 4),
        "cpu_at_100_hz": cpu(BAUDS[0], chosen.cpu_seconds, 4),
    }
    if chosen.picture is not None:
        draw_bus(figures, chosen.picture)
    print(json.dumps({**figures, "verdicts": verdicts(figures)}))


if __name__ == "__main__":
    main()

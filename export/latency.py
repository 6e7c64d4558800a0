"""How long FP32 and exported graphs take on this machine, measured in turns, so that both see the same neighbours."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from libra_edge.export.policy_graphs import SideBySide
from libra_edge.export.progress import Progress

WARM_UP = 3
TURNS = 30


@dataclass(frozen=True, slots=True)
class Latency:
    """Median times of one stage in ms, one thread: the refiner's is a whole chunk, with all its denoising steps."""

    ms: float
    ms_fp32: float


def measure_latency(sides: SideBySide, row: int, progress: Progress) -> dict[str, Latency]:
    """`planner` and `refiner`, on one sample."""
    fp32, exported = sides.fp32, sides.exported
    planner = sides.samples.feed(row, fp32.planner_inputs)
    refiner = sides.samples.feed(row, fp32.refiner_inputs)
    return {
        "planner": _in_turns(lambda: exported.logits(planner), lambda: fp32.logits(planner), progress),
        "refiner": _in_turns(lambda: exported.actions(refiner), lambda: fp32.actions(refiner), progress),
    }


def _in_turns(exported: Callable[[], object], reference: Callable[[], object], progress: Progress) -> Latency:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(WARM_UP + TURNS):
        for call, spent in zip((exported, reference), times, strict=True):
            begin = time.perf_counter()
            call()
            spent.append((time.perf_counter() - begin) * 1e3)
        progress.advance()
    ms, ms_fp32 = (statistics.median(spent[WARM_UP:]) for spent in times)
    return Latency(ms, ms_fp32)

"""How long FP32 and exported graphs take on this machine, measured in turns, so that both see the same neighbours."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from libra_edge.export.progress import Progress

WARM_UP = 2
TURNS = 40
LEAST_TURNS = 5
LONGEST_S = 20.0
"""Large models get fewer turns."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Median times of one stage in ms, one thread: the refiner's is a whole chunk, with all its denoising steps.

    Attributes:
        saved_ms: median of the differences between neighbouring calls.
        turns: calls of each.
    """

    ms: float
    ms_fp32: float
    saved_ms: float
    turns: int


def measure_latency(
    exported: Callable[[], object],
    fp32: Callable[[], object],
    progress: Progress,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Call both in turns. `progress` advances `WARM_UP + TURNS` times in all.

    With `time.thread_time` as `clock`, what other programs take does not count.
    """
    times: tuple[list[float], list[float]] = ([], [])
    end = time.monotonic() + LONGEST_S
    for turn in range(WARM_UP + TURNS):
        if turn < WARM_UP + LEAST_TURNS or time.monotonic() < end:
            for call, spent in zip((exported, fp32), times, strict=True):
                begin = clock()
                call()
                spent.append((clock() - begin) * 1e3)
        progress.advance()
    ours, theirs = (spent[WARM_UP:] for spent in times)
    saved = statistics.median(before - after for after, before in zip(ours, theirs, strict=True))
    return Latency(statistics.median(ours), statistics.median(theirs), saved, len(ours))

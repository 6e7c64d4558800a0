"""What can befall a Python process from within."""

from __future__ import annotations

import gc
import resource
import time
from pathlib import Path

STORM_S = 1.0
KEPT = 300_000
"""Objects that every collection has to look at: some 10 ms."""


def collect_garbage(seconds: float = STORM_S) -> int:
    """A garbage-collection storm: cycle after cycle, each collected at once among many objects. Returns how many."""
    kept: list[list[object]] = [[] for _ in range(KEPT)]
    collections, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        cycle: list[object] = [kept]
        cycle.append(cycle)
        del cycle
        gc.collect()
        collections += 1
    return collections


def step_wall_clock(by_s: float) -> None:
    """From now on `time.time` and `time.time_ns` of this process are so much further on."""
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() + by_s
    time.time_ns = lambda: now_ns() + round(by_s * 1e9)


def fill_the_disk(path: Path) -> None:
    """The system takes no more for this file or any longer one of this process, as its resource limit tells it."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))

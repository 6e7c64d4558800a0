"""Distributions of times in fixed memory, and an estimate of what the next call will take."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

SMALLEST_MS = 1e-3
RATIO = 1.01
BINS = 2048
"""Bin i reaches up to SMALLEST_MS * RATIO**i: from a microsecond to eleven minutes, one percent wide each."""


class Distribution:
    """Counts times in bins one percent wide: quantiles to a percent, the maximum exactly, memory fixed."""

    def __init__(self) -> None:
        self._counts = np.zeros(BINS, dtype=np.int64)
        self._largest_ms = 0.0

    def add(self, milliseconds: float) -> None:
        """Count one time; what is below a microsecond (or negative) falls into the first bin."""
        self._counts[_bin_of(milliseconds)] += 1
        self._largest_ms = max(self._largest_ms, milliseconds)

    def __len__(self) -> int:
        """How many were counted."""
        return int(self._counts.sum())

    def quantile(self, q: float) -> float | None:
        """The time that a share `q` (0..1) of all do not exceed, ms; None if there are none."""
        if not len(self):
            return None
        rank = max(1, math.ceil(q * len(self)))
        reached = int(np.searchsorted(np.cumsum(self._counts), rank))
        return min(SMALLEST_MS * RATIO**reached, self._largest_ms)

    def summary(self) -> dict[str, float | int | None]:
        """`{"p50":, "p90":, "p99":, "max":, "n":}` in milliseconds, null where nothing was counted."""
        quantiles = {name: _rounded(self.quantile(q)) for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))}
        return {**quantiles, "max": _rounded(self._largest_ms) if len(self) else None, "n": len(self)}


class RobustEstimate:
    """What the next value will most likely be at the most: the 90th percentile of the last 20."""

    def __init__(self, first_guess: float) -> None:
        """`first_guess` stands until there are measurements."""
        self._recent = deque([first_guess], maxlen=20)
        self._guessing = True

    def add(self, value: float) -> None:
        """Take one measurement into account; do not hand it warm-up calls."""
        if self._guessing:
            self._recent.clear()
            self._guessing = False
        self._recent.append(value)

    def relax(self) -> None:
        """Believe the slowest of them less: it is forgotten or, if there is no other, halved."""
        slowest = max(self._recent)
        self._recent.remove(slowest)
        if not self._recent:
            self._recent.append(slowest / 2.0)

    @property
    def value(self) -> float:
        """The estimate."""
        ordered = sorted(self._recent)
        return ordered[math.ceil(0.9 * len(ordered)) - 1]


def _bin_of(milliseconds: float) -> int:
    if milliseconds <= SMALLEST_MS:
        return 0
    return min(BINS - 1, math.ceil(math.log(milliseconds / SMALLEST_MS) / math.log(RATIO)))


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 3)

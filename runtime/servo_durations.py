"""Counts durations in geometric buckets: constant memory and time, quantiles to within a tenth."""

from __future__ import annotations

import math

import numpy as np

from libra_edge.messages import Int64

BUCKETS_AN_OCTAVE = 8
OCTAVES = 21
BUCKETS = BUCKETS_AN_OCTAVE * OCTAVES
"""From 1 us to 2 s; the first and the last bucket take what lies beyond."""


class Durations:
    """A histogram of durations."""

    def __init__(self, counts: Int64 | None = None, longest_ns: int = 0) -> None:
        """`counts` int64 [BUCKETS], one number a bucket; empty if not given."""
        self.counts = np.zeros(BUCKETS, dtype=np.int64) if counts is None else counts
        self.longest_ns = longest_ns

    def add(self, duration_ns: int) -> None:
        """Count one duration; a negative one counts as 0."""
        octaves = math.log2(max(duration_ns, 1_000) / 1_000)
        self.counts[min(int(octaves * BUCKETS_AN_OCTAVE), BUCKETS - 1)] += 1
        self.longest_ns = max(self.longest_ns, duration_ns)

    def quantile_us(self, share: float) -> float | None:
        """The duration that `share` (0..1) of all stay at or below, microseconds, rounded up to its bucket's end."""
        total = int(self.counts.sum())
        if total == 0:
            return None
        bucket = int(np.searchsorted(np.cumsum(self.counts), math.ceil(share * total)))
        return min(float(2.0 ** ((bucket + 1) / BUCKETS_AN_OCTAVE)), self.longest_ns / 1_000)

    def summary_us(self) -> dict[str, float | int | None]:
        """Quantiles in microseconds: p50, p90, p99, max, and n."""
        quantiles = {f"p{percent}": self.quantile_us(percent / 100) for percent in (50, 90, 99)}
        total = int(self.counts.sum())
        return {**quantiles, "max": self.longest_ns / 1_000 if total else None, "n": total}

"""What a machine can do at most: products a second in each precision, bytes a second by the size of the working set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peaks:
    """Measured, or a data sheet's.

    Attributes:
        flops: precision -> operations a second, two for each multiply-add.
        bandwidth: (size of the working set in bytes, bytes read and written a second), sizes rising; one entry where
            the size makes no difference.
    """

    flops: Mapping[str, float]
    bandwidth: tuple[tuple[int, float], ...]

    def bytes_per_s(self, working_set: float) -> float:
        """At a working set of so many bytes: between two sizes by their logarithms, beyond both ends as at the end."""
        sizes, rates = zip(*self.bandwidth, strict=True)
        if working_set <= sizes[0]:
            return float(rates[0])
        for (small, fast), (large, slow) in zip(self.bandwidth, self.bandwidth[1:], strict=False):
            if working_set <= large:
                share = math.log(working_set / small) / math.log(large / small)
                return fast + share * (slow - fast)
        return float(rates[-1])

    def flops_per_s(self, precision: str) -> float:
        """Of a precision that was not measured: the fastest one's, which bounds it."""
        return self.flops.get(precision) or max(self.flops.values())

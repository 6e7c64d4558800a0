"""What times come down to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Figures:
    """Quantiles of `n` times in ms, as `libra_edge.runtime.latency` defines them: times that were measured."""

    p50: float
    p90: float
    p99: float
    max: float
    mean: float
    n: int


def figures_of(times_ms: Iterable[float]) -> Figures | None:
    """None where there are no times."""
    times = np.fromiter(times_ms, dtype=np.float64)
    if not times.size:
        return None
    p50, p90, p99 = np.quantile(times, [0.5, 0.9, 0.99], method="inverted_cdf")
    p50, p90, p99, most, mean = (round(float(time), 4) for time in (p50, p90, p99, times.max(), times.mean()))
    return Figures(p50=p50, p90=p90, p99=p99, max=most, mean=mean, n=int(times.size))

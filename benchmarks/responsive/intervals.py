"""Quantiles of times of which some never came, with intervals that assume nothing about their distribution.

A trial that did not end within its time counts as later than all others. Between the l-th and the u-th of n ordered
values lies the q-quantile with the probability that a binomial count (n, q) falls into [l, u - 1]; ranks are taken in
around the quantile, the likelier side first, until they reach 95 %. Source: W. J. Conover, Practical Nonparametric
Statistics, section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

LEVEL = 0.95


def quantile(times: Sequence[float | None], q: float) -> float | None:
    """The smallest time that a share `q` of all trials (None: never) does not exceed; None if that is never."""
    rank = max(1, math.ceil(q * len(times)))
    return _ordered(times)[rank - 1] if times else None


def quantile_interval(times: Sequence[float | None], q: float) -> tuple[float | None, float | None]:
    """Both ends at 95 % or more; None is never. 0 and None where the trials are too few to tell."""
    n, ordered = len(times), _ordered(times)
    below, above = _ranks(n, q)
    return (0.0 if below < 1 else ordered[below - 1]), (None if above > n else ordered[above - 1])


def summary(times: Sequence[float | None]) -> dict[str, Any]:
    """p50 and p90 with their intervals, how many there were and how many never came; in the times' unit."""
    return {
        "trials": len(times),
        "never": sum(time is None for time in times),
        **{
            name: {"value": quantile(times, q), "interval": list(quantile_interval(times, q))}
            for name, q in (("p50", 0.5), ("p90", 0.9))
        },
    }


def _ordered(times: Sequence[float | None]) -> list[float | None]:
    return sorted(times, key=lambda time: math.inf if time is None else time)


def _ranks(n: int, q: float) -> tuple[int, int]:
    """Ranks l and u, 1..n (0 and n + 1: no such value), that hold the quantile between them."""
    chances = [math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)]
    below = max(1, math.ceil(q * n))
    above = below + 1
    while sum(chances[below:above]) < LEVEL and (below > 0 or above <= n):
        left = chances[below - 1] if below > 0 else -1.0
        right = chances[above] if above <= n else -1.0
        below, above = (below - 1, above) if left >= right else (below, above + 1)
    return below, above

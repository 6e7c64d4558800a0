"""What was predicted of each engine, and of plan and chunk as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StagePrediction:
    """Of all calls of one stage, ms.

    Attributes:
        product: what it is a part of: `plan` or `chunk`.
        least_ms: no machine with such peaks does it faster: products at the peak, or every weight moved once.
        expected_ms: with what is known to be lost.
    """

    stage: str
    product: str
    least_ms: float
    expected_ms: float


def by_system(stages: Iterable[StagePrediction]) -> Mapping[str, tuple[float, float]]:
    """`plan` and `chunk` -> least and expected ms: their engines one after the other, without the host's share."""
    sums: dict[str, tuple[float, float]] = {}
    for stage in stages:
        least, expected = sums.get(stage.product, (0.0, 0.0))
        sums[stage.product] = least + stage.least_ms, expected + stage.expected_ms
    return sums

"""How much success was lost between two policies that played the same episodes, and how sure that is.

The interval is Tango's score interval: T. Tango, Equivalence test and confidence interval for the difference in
proportions for the paired-sample design, Statistics in Medicine 17 (1998), 891-908. It was made for this question, "is
the loss smaller than a margin?": its upper end lies below the margin exactly if the score test rejects a loss of that
size. At no loss at all that test is McNemar's. Only episodes in which the policies differ count, so that pairing makes
it narrow; and without any such episode it still has a width, which Wald's interval has not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from libra_edge.runtime.success_rate import Z_95, SuccessRate

HALVINGS = 60
"""Of a range of 2 at most: beyond what a float can tell apart."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Episodes by their two outcomes. The difference is first minus second: what the second policy lost.

    Attributes:
        both, neither: episodes in which both policies succeeded, or both failed.
        only_first, only_second: episodes in which one alone succeeded.
    """

    both: int = 0
    only_first: int = 0
    only_second: int = 0
    neither: int = 0

    def __post_init__(self) -> None:
        if min(self.both, self.only_first, self.only_second, self.neither) < 0:
            raise ValueError(f"negative number of episodes: {self}")

    def counting(self, first: bool, second: bool) -> PairedDifference:
        """These episodes and one more."""
        cell = {(True, True): "both", (True, False): "only_first", (False, True): "only_second"}
        name = cell.get((first, second), "neither")
        return replace(self, **{name: getattr(self, name) + 1})

    @property
    def episodes(self) -> int:
        """Number of pairs."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def first(self) -> SuccessRate:
        """The first policy by itself."""
        return SuccessRate(self.both + self.only_first, self.episodes)

    @property
    def second(self) -> SuccessRate:
        """The second policy by itself."""
        return SuccessRate(self.both + self.only_second, self.episodes)

    @property
    def difference(self) -> float | None:
        """Success of the first minus success of the second, -1..1; None without episodes."""
        return (self.only_first - self.only_second) / self.episodes if self.episodes else None

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end of the difference at 95 %, each -1..1; (-1, 1) without episodes."""
        if self.difference is None:
            return -1.0, 1.0
        return _last_inside(self._fits, self.difference, -1.0), _last_inside(self._fits, self.difference, 1.0)

    def _fits(self, difference: float) -> bool:
        """Whether the score test at 5 % lets `difference` stand as the true one."""
        n, lost, won = self.episodes, self.only_first, self.only_second
        spread = difference * (1.0 - difference)
        linear = (2 * n - lost + won) * difference - lost - won
        likeliest = (math.sqrt(max(0.0, linear * linear + 8 * n * won * spread)) - linear) / (4 * n)
        variance = n * (2.0 * likeliest + spread)
        return (lost - won - n * difference) ** 2 <= Z_95 * Z_95 * variance


def _last_inside(fits: Callable[[float], bool], inside: float, outside: float) -> float:
    """The border between `inside`, which fits, and `outside`; `outside` itself if all between fits."""
    if fits(outside):
        return outside
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if fits(middle) else (inside, middle)
    return inside

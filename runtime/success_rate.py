"""How often it worked, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class SuccessRate:
    """Successes out of episodes, with the Wilson score interval at 95 %.

    Source of the interval: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """

    successes: int
    episodes: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.episodes:
            raise ValueError(f"{self.successes} successes out of {self.episodes} episodes")

    @property
    def rate(self) -> float | None:
        """Share of successes; None without episodes."""
        return self.successes / self.episodes if self.episodes else None

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, each 0..1; (0, 1) without episodes."""
        if not self.episodes:
            return 0.0, 1.0
        n, share, z2 = self.episodes, self.successes / self.episodes, Z_95 * Z_95
        centre = (share + z2 / (2 * n)) / (1 + z2 / n)
        half = Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
        return max(0.0, centre - half), min(1.0, centre + half)

    def __add__(self, other: SuccessRate) -> SuccessRate:
        return SuccessRate(self.successes + other.successes, self.episodes + other.episodes)

    def as_json(self) -> dict[str, float | int | None]:
        """`successes`, `episodes`, `rate`, `low`, `high`; shares are 0..1."""
        low, high = self.interval
        return {
            "successes": self.successes,
            "episodes": self.episodes,
            "rate": self.rate,
            "low": round(low, 6),
            "high": round(high, 6),
        }

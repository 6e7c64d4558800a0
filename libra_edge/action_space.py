"""The hybrid action space: continuous joint goals in radians, the same normalised to [-1, 1], and coarse tokens.

Source of the token rule: Libra-VLA, arXiv 2604.24921, "Hybrid Action Space": N uniform bins per dimension over [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from libra_edge.messages import Float64, Int64


@dataclass(frozen=True, slots=True, eq=False)
class ActionSpace:
    """D joints, N bins.

    Attributes:
        low, high: float64 [D] rad; the normalised values -1 and +1.
        bins: N.
    """

    low: Float64
    high: Float64
    bins: int

    def __post_init__(self) -> None:
        if self.low.shape != self.high.shape or self.low.ndim != 1:
            raise ValueError(f"low {self.low.shape} and high {self.high.shape} must both be [D]")
        if not np.all(np.isfinite(self.low)) or not np.all(np.isfinite(self.high)) or not np.all(self.low < self.high):
            raise ValueError("every low must be finite and below its high")
        if self.bins < 2:
            raise ValueError(f"{self.bins} bins: at least 2 are needed")

    @property
    def dimensions(self) -> int:
        """D."""
        return len(self.low)

    def normalise(self, positions: Float64) -> Float64:
        """Radians [..., D] -> [-1, 1] [..., D]; not clipped."""
        return (positions - self.low) / (self.high - self.low) * 2.0 - 1.0

    def denormalise(self, normalised: Float64) -> Float64:
        """[-1, 1] [..., D] -> radians [..., D]; not clipped."""
        return (normalised + 1.0) * 0.5 * (self.high - self.low) + self.low

    def tokens(self, normalised: Float64) -> Int64:
        """[-1, 1] [..., D] -> int64 [..., D] in 0..N-1: clip(floor((a + 1) / 2 * N), 0, N - 1)."""
        return np.clip(np.floor((normalised + 1.0) * 0.5 * self.bins), 0, self.bins - 1).astype(np.int64)

    def bin_centres(self, tokens: Int64) -> Float64:
        """Tokens [..., D] -> the middle of their bins, normalised [..., D]."""
        return (tokens + 0.5) / self.bins * 2.0 - 1.0

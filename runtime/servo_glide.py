"""A slow straight move of the goal from one pose to another: homing at the start, parking at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from libra_edge.messages import Float64
from libra_edge.runtime.trajectory import TrajectoryPoint

TOP_SPEED_RAD_S = 0.5
PEAK = 1.5
"""Of the smooth step 3 x^2 - 2 x^3: its steepest slope."""


@dataclass(frozen=True, slots=True, eq=False)
class Glide:
    """From `start` to `end`, float64 [D] rad, begun at `start_ns`; no joint faster than 0.5 rad/s."""

    start: Float64
    end: Float64
    start_ns: int

    @property
    def duration_ns(self) -> int:
        """How long it takes; 0 if there is nowhere to go."""
        return int(PEAK * float(np.max(np.abs(self.end - self.start))) / TOP_SPEED_RAD_S * 1e9)

    def sample(self, now_ns: int) -> TrajectoryPoint:
        """The goal at `now_ns`; exhausted once it has arrived."""
        if now_ns - self.start_ns >= self.duration_ns:
            return TrajectoryPoint(self.end, None, None, None, exhausted=True)
        way = max(now_ns - self.start_ns, 0) / self.duration_ns
        goal = self.start + (self.end - self.start) * (way * way * (3.0 - 2.0 * way))
        return TrajectoryPoint(goal, None, None, None, exhausted=False)

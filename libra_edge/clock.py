"""The one clock: monotonic nanoseconds, real or simulated."""

from __future__ import annotations

import time
from dataclasses import dataclass


class MonotonicClock:
    """CLOCK_MONOTONIC, shared by all processes of one machine."""

    def now_ns(self) -> int:
        """Monotonic nanoseconds."""
        return time.monotonic_ns()


@dataclass(slots=True)
class SimulatedClock:
    """A clock that moves only when it is told to: lock-step evaluation and tests."""

    time_ns: int = 0

    def now_ns(self) -> int:
        """Simulated nanoseconds."""
        return self.time_ns

    def advance(self, nanoseconds: int) -> None:
        """Move forward by `nanoseconds` (>= 0)."""
        if nanoseconds < 0:
            raise ValueError(f"a clock does not run backwards ({nanoseconds} ns)")
        self.time_ns += nanoseconds

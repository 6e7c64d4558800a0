"""How long the arm may stay lost, and how often."""

from __future__ import annotations

from collections import deque

MOST, WINDOW_NS = 3, 60_000_000_000
"""More recoveries than this within a minute mean a loose cable or a weak supply, and a person has to look."""


class RecoveryLimit:
    """Counts recoveries and times the one at work."""

    def __init__(self, within_ns: int) -> None:
        """Each may take `within_ns`."""
        self._within_ns = within_ns
        self._begun_ns: deque[int] = deque(maxlen=MOST + 1)

    def begin(self, now_ns: int) -> bool:
        """A recovery begins now; False if there have been too many of late."""
        self._begun_ns.append(now_ns)
        return len(self._begun_ns) <= MOST or now_ns - self._begun_ns[0] > WINDOW_NS

    def is_over(self, now_ns: int) -> bool:
        """Whether the present one has taken too long."""
        return now_ns - self._begun_ns[-1] > self._within_ns

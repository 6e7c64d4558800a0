"""How exactly the camera's clock is known: the shortest way a picture took, seen again and again."""

from __future__ import annotations

from collections import deque

GROUP = 10
"""Pictures from which one shortest way is taken. Fewer, and the jitter of single pictures would be counted in."""
KEPT = 60
"""Groups: 10 s at 60 pictures a second, 20 s at 30. Over so long the clocks drift apart and show it."""


class MappingSpread:
    """Range of the shortest delays, arrival minus stamp, over groups of pictures.

    Were the mapping exact, every group's shortest delay would be the same: clock drift, too few pictures to find a
    short one, and readings that were interrupted make them differ. What is the same for every picture, the shortest
    way through exposure, USB and driver itself, cannot be seen from the host.
    """

    def __init__(self) -> None:
        self._shortest: deque[int] = deque(maxlen=KEPT)
        self._group: list[int] = []

    def add(self, delay_ns: int) -> None:
        """One picture's arrival minus its stamp, ns, whatever the origin of the stamp's clock."""
        self._group.append(delay_ns)
        if len(self._group) == GROUP:
            self._shortest.append(min(self._group))
            self._group.clear()

    def clear(self) -> None:
        """A clock was set: what was seen before says nothing any more."""
        self._shortest.clear()
        self._group.clear()

    @property
    def width_ns(self) -> int | None:
        """None before there are two groups to compare."""
        if len(self._shortest) < 2:
            return None
        return max(self._shortest) - min(self._shortest)

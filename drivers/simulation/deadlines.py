"""Absolute deadlines: what runs late catches up, what runs far too late is dropped and counted."""

from __future__ import annotations


class Deadlines:
    """Deadline k is due at `start_ns + k * period_ns`.

    Attributes:
        index: k of the deadline to be met next.
        skipped: how many were dropped, because they were missed by more than `patience_ns`.
    """

    def __init__(self, start_ns: int, period_ns: int, patience_ns: int) -> None:
        self._start_ns = start_ns
        self._period_ns = period_ns
        self._patience_ns = patience_ns
        self.index = 0
        self.skipped = 0

    @property
    def due_ns(self) -> int:
        """When the next one is due."""
        return self._start_ns + self.index * self._period_ns

    def advance(self, now_ns: int) -> None:
        """One was met: go to the next, past those that are hopeless."""
        self.index += 1
        late_ns = now_ns - self.due_ns
        if late_ns > self._patience_ns:
            hopeless = late_ns // self._period_ns
            self.index += hopeless
            self.skipped += hopeless

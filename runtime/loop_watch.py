"""Notices when the event loop stood still: something blocked it, or the whole process was paused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from libra_edge.protocols import Clock

BEAT_S = 0.05
NOTICED_NS = 200_000_000
"""A standstill of this length is told; a busy computer makes shorter ones."""


class LoopWatch:
    """Measures the loop's own lateness, on the loop."""

    def __init__(self, clock: Clock, on_block: Callable[[int], None]) -> None:
        """`on_block` is handed the length of each standstill, nanoseconds, once it is over."""
        self._clock = clock
        self._on_block = on_block
        self._expected_ns: int | None = None

    async def run(self) -> None:
        """Look at every beat."""
        self._expected_ns = self._clock.now_ns()
        while True:
            self.look()
            await asyncio.sleep(BEAT_S)

    def look(self) -> None:
        """Has the loop just stood still? To be asked by whoever is about to act, who may run before the next beat.

        Says nothing before `run` has begun.
        """
        if self._expected_ns is None:
            return
        now_ns = self._clock.now_ns()
        late_ns = now_ns - self._expected_ns
        self._expected_ns = now_ns + round(BEAT_S * 1e9)
        if late_ns >= NOTICED_NS:
            self._on_block(late_ns)

"""An event loop in which nothing takes time but what says so: when all wait, the clock jumps to the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from libra_edge.clock import SimulatedClock

Result = TypeVar("Result")


class JumpingSelector(selectors.DefaultSelector):
    """Moves the clock instead of waiting."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everything waits and nothing will ever happen")
        self._clock.advance(max(0, round(timeout * 1e9)))
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its time is that of a simulated clock."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._virtual = clock
        super().__init__(JumpingSelector(clock))

    def time(self) -> float:
        return self._virtual.now_ns() / 1e9


def run_in_virtual_time(clock: SimulatedClock, main: Coroutine[Any, Any, Result]) -> Result:
    """What `main` returns, in no more real time than its computing takes."""
    loop = VirtualTimeLoop(clock)
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()

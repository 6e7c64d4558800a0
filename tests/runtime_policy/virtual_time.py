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
    def __init__(self, clock: SimulatedClock) -> None:
        self._virtual = clock
        super().__init__(JumpingSelector(clock))

    def time(self) -> float:
        return self._virtual.now_ns() / 1e9


def run_in_virtual_time(clock: SimulatedClock, main: Coroutine[Any, Any, Result]) -> Result:
    loop = VirtualTimeLoop(clock)
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


class VirtualWorker:
    """Stands in for a worker thread: a call takes `seconds[name]` of virtual time, then gives its result.

    Several durations are used one after the other, the last one for good; None is a call that never returns.
    """

    seconds: dict[str, list[float | None]] = {}  # noqa: RUF012 - set by each test

    def __init__(self, name: str) -> None:
        self._durations = VirtualWorker.seconds[name]
        self._lock = asyncio.Lock()

    async def run(self, call: Any) -> Any:
        async with self._lock:
            duration = self._durations.pop(0) if len(self._durations) > 1 else self._durations[0]
            if duration is None:
                await asyncio.Event().wait()
            else:
                await asyncio.sleep(duration)
            return call()

    def close(self) -> None:
        pass

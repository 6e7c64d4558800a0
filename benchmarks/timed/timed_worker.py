"""Stands in for a worker thread: a call takes its work's time on a GPU shared with the other worker, virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from benchmarks.timed.shared_gpu import SharedGpu
from libra_edge.clock import SimulatedClock

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Call:
    """One finished call of `system`, nanoseconds."""

    system: str
    began_ns: int
    ended_ns: int

    @property
    def milliseconds(self) -> float:
        """What it took."""
        return (self.ended_ns - self.began_ns) / 1e6


@dataclass(slots=True)
class Workshop:
    """What both workers share.

    Attributes:
        work_ns: what a call of each system takes alone.
        calls: those that are done, in the order in which they ended.
    """

    clock: SimulatedClock
    gpu: SharedGpu
    work_ns: dict[str, int]
    calls: list[Call] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def worker(self, name: str) -> TimedWorker:
        """The stand-in for WorkerThread(name)."""
        return TimedWorker(self, name)

    async def compute(self, name: str) -> None:
        """Take as long as the work of `name` takes beside whatever else runs meanwhile."""
        began_ns = self.clock.now_ns()
        self.gpu.begin(name, self.work_ns[name], began_ns)
        self._wake_others()
        try:
            while left_ns := self.gpu.left_ns(name, self.clock.now_ns()):
                await self._pass(left_ns)
        finally:
            self.gpu.end(name, self.clock.now_ns())
            self._wake_others()
        self.calls.append(Call(name, began_ns, self.clock.now_ns()))

    async def _pass(self, nanoseconds: int) -> None:
        """Until this time is over or somebody else begins or ends."""
        waiting = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait([waiting], timeout=nanoseconds / 1e9)
        finally:
            waiting.cancel()

    def _wake_others(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class TimedWorker:
    """One call at a time, in the order in which they came."""

    def __init__(self, workshop: Workshop, name: str) -> None:
        self._workshop, self._name, self._lock = workshop, name, asyncio.Lock()

    async def run(self, call: Callable[[], Result]) -> Result:
        """What `call()` returns, once its work is done."""
        async with self._lock:
            await self._workshop.compute(self._name)
            return call()

    def close(self) -> None:
        """Nothing to end."""

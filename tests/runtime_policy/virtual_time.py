"""A worker for the virtual clock of benchmarks/timed/virtual_time.py."""

from __future__ import annotations

import asyncio
from typing import Any


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

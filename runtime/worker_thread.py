"""A thread that does one blocking thing at a time, awaited from the event loop.

Not an executor: those wait for their threads when the interpreter leaves, and a hung engine must not keep a run from
ending.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


class WorkerThread:
    """Runs calls in the order in which they came. Made and used on the event loop."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[[], Result]) -> Result:
        """Wait for `call()` to be done in the thread; what it raises is raised here."""
        done: asyncio.Future[Result] = self._loop.create_future()
        self._calls.put((call, done))
        return await done

    def close(self) -> None:
        """Let the thread end after the calls it has; does not wait for it."""
        self._calls.put(None)

    def _work(self) -> None:
        while (work := self._calls.get()) is not None:
            call, done = work
            try:
                self._report(done, call(), None)
            except BaseException as error:  # noqa: BLE001 - handed over whole to whoever awaits it
                self._report(done, None, error)

    def _report(self, done: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
        def settle() -> None:
            if done.cancelled():
                return
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

        with suppress(RuntimeError):  # a call that hung until after the loop was closed
            self._loop.call_soon_threadsafe(settle)

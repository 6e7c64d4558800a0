"""When a stream has done its work: an event, waited on in a thread of its own, so that a hung GPU hangs nobody else.

cuEventSynchronize sleeps until the GPU's interrupt, and knows no time limit; whoever waits here has one.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet

from libra_edge.errors import EngineError
from libra_edge.runtime.cuda.stream import Stream


class Completion:
    """The end of what was enqueued last. Used from one thread at a time."""

    def __init__(self, stream: Stream) -> None:
        """Raises EngineError."""
        self._stream = stream
        self._gpu = stream.gpu
        self._pending: Future[None] | None = None
        self._asked: queue.SimpleQueue[Future[None] | None] = queue.SimpleQueue()
        flags = self._gpu.cuda.driver.CUevent_flags
        with self._gpu.current():
            blocking = int(flags.CU_EVENT_BLOCKING_SYNC) | int(flags.CU_EVENT_DISABLE_TIMING)
            self._event = self._gpu.call(stream.stage, "cuEventCreate", blocking)
        self._gpu.at_close(self._close)
        threading.Thread(target=self._work, name=f"{stream.stage} on the GPU", daemon=True).start()

    @property
    def pending(self) -> bool:
        """Whether something is under way that nobody has waited for to its end."""
        return self._pending is not None and not self._pending.done()

    def wait(self, patience_s: float) -> None:
        """Wait until everything enqueued so far is done. Raises EngineError if it failed or takes longer."""
        self._gpu.call(self._stream.stage, "cuEventRecord", self._event, self._stream.handle)
        self._pending = Future()
        self._asked.put(self._pending)
        self.settle(patience_s)

    def settle(self, patience_s: float) -> None:
        """Wait for what an earlier `wait` gave up on, if it did. Raises EngineError if it still is not done."""
        if self._pending is None:
            return
        try:
            self._pending.result(patience_s)
        except NotYet as late:
            raise EngineError(self._stream.stage, f"the GPU has not finished within {patience_s:g} s") from late
        except EngineError:
            self._pending = None
            raise
        self._pending = None

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            try:
                with self._gpu.current():
                    self._gpu.call(self._stream.stage, "cuEventSynchronize", self._event)
                asked.set_result(None)
            except BaseException as error:  # noqa: BLE001 - handed over whole to whoever waits
                asked.set_exception(error)

    def _close(self) -> None:
        self._asked.put(None)
        self._gpu.call(self._stream.stage, "cuEventDestroy", self._event)

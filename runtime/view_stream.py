"""A run's messages on their way to a viewer in another process: the recording's own form, through a pipe.

Callers put entries into a small queue; one thread writes them. A viewer that does not keep up misses messages, and one
that dies is told of once: a view may never cost the run anything.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import IO, BinaryIO, cast

from mcap.writer import CompressionType, IndexType, Writer

from libra_edge import __version__
from libra_edge.runtime.entry_writer import EntryWriter
from libra_edge.runtime.recording_messages import Entry

logger = logging.getLogger(__name__)

MAX_WAITING_BYTES = 8_000_000
"""Half a second of two cameras: what is older is no live view."""
LAST_MESSAGES_S = 2.0


class CountedPipe:
    """A pipe that can say how far it is, which the MCAP writer asks of its files."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._written = 0

    def write(self, data: bytes) -> int:
        """Raises OSError once nobody reads."""
        self._written += len(data)
        return self._pipe.write(data)

    def tell(self) -> int:
        """Bytes written."""
        return self._written


class ViewStream:
    """Feeds one viewer. `put` may be called from any thread and never blocks.

    Attributes:
        dropped: entries that found the queue full.
        failure: why the view ended before the run did; None if it did not.
    """

    def __init__(self, pipe: BinaryIO, metadata: Mapping[str, str]) -> None:
        """`pipe` leads to the viewer; `metadata` is what a recording has as its record `run`."""
        self.dropped = 0
        self.failure: str | None = None
        self._metadata = dict(metadata)
        self._waiting: deque[Entry] = deque()
        self._waiting_bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._pipe = pipe
        self._thread = threading.Thread(target=self._feed, name="view stream", daemon=True)
        self._thread.start()

    def put(self, entry: Entry) -> None:
        """Queue one message; drop it if the viewer is that far behind."""
        with self._changed:
            if self._closing or self.failure is not None:
                return
            if self._waiting_bytes + entry.size > MAX_WAITING_BYTES:
                self._drop()
                return
            self._waiting.append(entry)
            self._waiting_bytes += entry.size
            self._changed.notify()

    def close(self) -> bool:
        """Send what still waits and close the pipe; False if the viewer does not take it. May be called twice."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(LAST_MESSAGES_S)
        return not self._thread.is_alive()

    def _drop(self) -> None:
        self.dropped += 1
        if self.dropped == 1:
            logger.warning("the view does not keep up and lacks messages; run and recording go on")

    def _feed(self) -> None:
        try:
            with self._pipe:
                writer = Writer(
                    cast("IO[bytes]", CountedPipe(self._pipe)),
                    compression=CompressionType.NONE,
                    index_types=IndexType.NONE,
                    use_chunking=False,
                )
                writer.start(profile="", library=f"libra-edge {__version__}")
                writer.add_metadata("run", self._metadata)
                entries = EntryWriter(writer, time.time_ns() - time.monotonic_ns())
                while (entry := self._next()) is not None:
                    entries.write(entry)
                    self._pipe.flush()
        except OSError as error:
            self._fail(os.strerror(error.errno or 0))

    def _next(self) -> Entry | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            entry = self._waiting.popleft()
            self._waiting_bytes -= entry.size
            return entry

    def _fail(self, problem: str) -> None:
        with self._changed:
            self.failure = problem
            self._waiting.clear()
            self._waiting_bytes = 0
        logger.warning("the view has ended (%s); run and recording go on", problem)

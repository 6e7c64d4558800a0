"""The black box: everything needed to explain a run goes to an MCAP file, and nobody ever waits for it.

Callers put entries into a bounded queue; one thread writes them. What does not fit is dropped and counted. If the disk
fills up or fails, the recording stops, that is said once, and the run goes on.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path

from mcap.exceptions import McapError
from mcap.writer import CompressionType, Writer

from libra_edge import __version__
from libra_edge.errors import RecordingError
from libra_edge.runtime.chunk_index_store import keep_index_small
from libra_edge.runtime.entry_writer import EntryWriter
from libra_edge.runtime.recording_messages import Entry

logger = logging.getLogger(__name__)

MAX_WAITING_BYTES = 64_000_000
KEPT_FOR_SMALL_BYTES = 8_000_000
SMALL_BYTES = 10_000
"""Commands, plans and faults still find room when pictures do not: without them nothing can be explained."""
MIN_FREE_BYTES = 50_000_000
FLUSH_EVERY_S = 0.5
"""How long a message may wait for its chunk to be finished and handed to the system: a killed process loses no more."""
SYNC_EVERY_S = 0.25
"""Between the end of one sync to the disk and the beginning of the next: a power cut takes what came since."""


class Recorder:
    """Writes one recording. `put` may be called from any thread and never blocks.

    Attributes:
        path: the file.
        dropped: entries that found the queue full.
        failure: why the recording stopped before its end; None if it did not.
    """

    def __init__(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Open the file and write `metadata` as its record `run`. Raises RecordingError if that cannot be done."""
        self.path = path
        self.dropped = 0
        self.failure: str | None = None
        self._wall_offset_ns = time.time_ns() - time.monotonic_ns()
        self._result: dict[str, str] = {}
        self._waiting: deque[Entry] = deque()
        self._waiting_bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._file = _new_file(path)
        self._writer = Writer(self._file, compression=CompressionType.ZSTD)
        keep_index_small(self._writer)
        self._entries = EntryWriter(self._writer, self._wall_offset_ns)
        self._begin({**metadata, "wall_offset_ns": str(self._wall_offset_ns)})
        self._thread = threading.Thread(target=self._write_all, name="recorder", daemon=True)
        self._ended = threading.Event()
        self._thread.start()

    def put(self, entry: Entry) -> None:
        """Queue one message; drop it if the queue is full."""
        with self._changed:
            if self._closing or self.failure is not None:
                return
            room = MAX_WAITING_BYTES - (0 if entry.size <= SMALL_BYTES else KEPT_FOR_SMALL_BYTES)
            if self._waiting_bytes + entry.size > room:
                self._drop()
                return
            self._waiting.append(entry)
            self._waiting_bytes += entry.size
            self._changed.notify()

    def close(self, result: Mapping[str, str] | None = None) -> None:
        """Write what still waits, then the metadata record `result`, then the index; may be called twice."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._result = dict(result or {})
            self._changed.notify()
        self._thread.join()
        if self.dropped:
            logger.warning("the recording lacks %d messages: the disk did not keep up", self.dropped)

    def _begin(self, metadata: dict[str, str]) -> None:
        try:
            self._writer.start(profile="", library=f"libra-edge {__version__}")
            self._writer.add_metadata("run", metadata)
            self._file.flush()
        except OSError as error:
            self._file.raw.close()
            self.path.unlink()
            problem = f"cannot be written: {error.strerror}; free some space or give another --record"
            raise RecordingError(self.path, problem) from error

    def _drop(self) -> None:
        self.dropped += 1
        if self.dropped == 1:
            logger.warning("the disk does not keep up: messages are missing from the recording, control goes on")

    def _write_all(self) -> None:
        try:
            with self._file, self._synced():
                self._write_what_comes()
                self._writer.add_metadata("result", {**self._result, "dropped": str(self.dropped)})
                self._writer.finish()  # type: ignore[no-untyped-call]
                self._file.flush()
                self._sync_once()
        except (OSError, ValueError, McapError) as error:
            self._fail(str(error))

    def _write_what_comes(self) -> None:
        """Until `close`; a chunk is finished at least every FLUSH_EVERY_S."""
        flush_at = time.monotonic() + FLUSH_EVERY_S
        while (entry := self._next(flush_at)) is not None:
            if isinstance(entry, Entry):
                self._entries.write(entry)
            if time.monotonic() >= flush_at:
                self._writer.flush()  # type: ignore[no-untyped-call]
                flush_at = time.monotonic() + FLUSH_EVERY_S

    @contextmanager
    def _synced(self) -> Iterator[None]:
        """Meanwhile a thread brings to the disk what the system was handed: a slow disk must not fill the queue."""
        syncing = threading.Thread(target=self._sync, name="recorder sync", daemon=True)
        syncing.start()
        try:
            yield
        finally:
            self._ended.set()
            syncing.join()

    def _sync(self) -> None:
        while not self._ended.wait(SYNC_EVERY_S):
            try:
                self._sync_once()
            except OSError as error:
                self._fail(str(error))
                return

    def _sync_once(self) -> None:
        os.fdatasync(self._file.fileno())

    def _next(self, until: float) -> Entry | bool | None:
        """The next entry; False if none comes until then (seconds of `time.monotonic`), None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing, max(0.0, until - time.monotonic()))
            if not self._waiting:
                return None if self._closing else False
            entry = self._waiting.popleft()
            self._waiting_bytes -= entry.size
            return entry

    def _fail(self, problem: str) -> None:
        with self._changed:
            self.failure = problem
            self._waiting.clear()
            self._waiting_bytes = 0
        logger.warning("the recording %s stopped (%s); control goes on", self.path, problem)


def _new_file(path: Path) -> BufferedWriter:
    if path.exists():
        raise RecordingError(path, "exists already, and is not overwritten; give another --record")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
        if free < MIN_FREE_BYTES:
            problem = f"only {free / 1e6:.0f} MB are free there; free some space or give another --record"
            raise RecordingError(path, problem)
        return path.open("xb")
    except OSError as error:
        raise RecordingError(path, f"cannot be written: {error.strerror}; give another --record") from error

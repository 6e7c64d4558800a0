"""One record in shared memory: one process writes it over and over, another takes the newest whole one.

Layout: sequence (uint64), the record, CRC-32 of both (uint32), the sequence again (uint64). The sequence is odd while
the writer is at work. A record is accepted only if both sequences agree, are even, and the checksum holds: neither a
torn record nor scribbled memory gets through, whatever the order in which a processor shows its stores.
"""

from __future__ import annotations

import mmap
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Record = NDArray[Any]
"""A structured array of shape ()."""

ATTEMPTS = 3


def _framed(record_type: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype([("begin", "<u8"), ("record", record_type), ("crc", "<u4"), ("end", "<u8")])


def record_bytes(record_type: np.dtype[Any]) -> int:
    """Memory that one record of this type takes, frame included."""
    return _framed(record_type).itemsize


def _checksum(sequence: int, record: bytes) -> int:
    return zlib.crc32(record, zlib.crc32(sequence.to_bytes(8, "little")))


class RecordWriter:
    """The one writer of the record at `offset`."""

    def __init__(self, memory: mmap.mmap, offset: int, record_type: np.dtype[Any]) -> None:
        frame = np.frombuffer(memory, dtype=_framed(record_type), count=1, offset=offset).reshape(())
        self._frame: NDArray[Any] = frame
        self._sequence = 0

    def write(self, record: Record) -> None:
        """Replace the record by `record`, a structured array of shape ()."""
        sequence = self._sequence + 2
        self._frame["begin"] = sequence - 1
        self._frame["record"] = record
        self._frame["crc"] = _checksum(sequence, record.tobytes())
        self._frame["end"] = sequence
        self._frame["begin"] = sequence
        self._sequence = sequence


class RecordReader:
    """A reader of the record at `offset`.

    Attributes:
        refused: how many records were not accepted because they did not check.
    """

    def __init__(self, memory: mmap.mmap, offset: int, record_type: np.dtype[Any]) -> None:
        self._memory = memory
        self._offset = offset
        self._type = _framed(record_type)
        self._seen = 0
        self.refused = 0

    def poll(self) -> Record | None:
        """The newest record if it is a new one and whole, as a private copy; else None."""
        for _ in range(ATTEMPTS):
            if self._newest_sequence() == self._seen:
                return None
            frame = self._copy()
            begin = int(frame["begin"])
            if begin % 2 == 0 and self._holds(frame, begin):
                self._seen = begin
                return np.array(frame["record"])
        if begin % 2 == 0:
            self._seen = begin
            self.refused += 1
        return None

    def _newest_sequence(self) -> int:
        return int.from_bytes(self._memory[self._offset : self._offset + 8], "little")

    def _copy(self) -> NDArray[Any]:
        end = self._offset + self._type.itemsize
        return np.frombuffer(self._memory[self._offset : end], dtype=self._type).reshape(())

    def _holds(self, frame: NDArray[Any], sequence: int) -> bool:
        whole = int(frame["end"]) == sequence
        return whole and int(frame["crc"]) == _checksum(sequence, frame["record"].tobytes())

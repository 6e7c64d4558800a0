"""The newest of a series of records, in memory shared by one writer and any number of readers in other processes.

SLOTS slots of `sequence u64 | checksum u32 | record`, written in turn; none waits for another. A slot's sequence is odd
while it is written. The checksum settles it: Python cannot order its memory accesses, and on an aarch64 processor
another core may see them in another order.
"""

from __future__ import annotations

import mmap
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

SLOTS = 3
ATTEMPTS = 10

Record = NDArray[Any]
"""A structured array of shape ()."""


class LatestRecord:
    """A view of the memory at `offset`, for its one writer or for a reader."""

    def __init__(self, record_type: np.dtype[Any], memory: mmap.mmap, offset: int = 0) -> None:
        self._type = record_type
        self._lane: Record = np.ndarray((), _lane_type(record_type), memory, offset)

    @staticmethod
    def size(record_type: np.dtype[Any]) -> int:
        """Bytes of memory it takes, a multiple of eight."""
        return _lane_type(record_type).itemsize

    @property
    def written(self) -> int:
        """How many records were written so far."""
        return int(self._lane["written"])

    def write(self, **fields: Any) -> None:
        """The writer's side: replace the oldest record."""
        record = np.zeros((), self._type)
        for name, value in fields.items():
            record[name] = value
        slot = self._lane["slots"][self.written % SLOTS, ...]
        slot["sequence"] += 1
        slot["record"] = record
        slot["checksum"] = zlib.crc32(record.tobytes())
        slot["sequence"] += 1
        self._lane["written"] += 1

    def read(self) -> Record | None:
        """The newest record, a copy; None before the first, or if the writer keeps lapping this reader."""
        for _ in range(ATTEMPTS):
            written = self.written
            if written == 0:
                return None
            slot = self._lane["slots"][(written - 1) % SLOTS, ...]
            sequence = int(slot["sequence"])
            record: Record = slot["record"].copy()
            checksum = int(slot["checksum"])
            unchanged = sequence % 2 == 0 and sequence == int(slot["sequence"])
            if unchanged and checksum == zlib.crc32(record.tobytes()):
                return record
        return None


def _lane_type(record_type: np.dtype[Any]) -> np.dtype[Any]:
    slot = np.dtype([("sequence", np.uint64), ("checksum", np.uint32), ("record", record_type)], align=True)
    return np.dtype([("written", np.uint64), ("slots", slot, (SLOTS,))], align=True)

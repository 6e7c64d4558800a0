"""The log of commands in shared memory: the servo process writes each, another process takes them when it likes.

A ring of entries, each with its own number and checksum. The writer never waits and knows no reader; a reader that
comes too late finds a higher number than it looked for and goes on from there.
"""

from __future__ import annotations

import mmap
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENTRIES = 4096


def _framed(entry_type: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype([("number", "<u8"), ("entry", entry_type), ("crc", "<u4")])


def ring_bytes(entry_type: np.dtype[Any]) -> int:
    """Memory that the ring takes."""
    return _framed(entry_type).itemsize * ENTRIES


def _checksum(number: int, entry: bytes) -> int:
    return zlib.crc32(entry, zlib.crc32(number.to_bytes(8, "little")))


class RingWriter:
    """The one writer of the ring at `offset`."""

    def __init__(self, memory: mmap.mmap, offset: int, entry_type: np.dtype[Any]) -> None:
        self._slots: NDArray[Any] = np.frombuffer(memory, dtype=_framed(entry_type), count=ENTRIES, offset=offset)
        self._written = 0

    def append(self, entry: NDArray[Any]) -> None:
        """Write the next entry, a structured array of shape (), over the oldest one."""
        slot = self._slots[self._written % ENTRIES]
        self._written += 1
        slot["crc"] = 0
        slot["entry"] = entry
        slot["number"] = self._written
        slot["crc"] = _checksum(self._written, entry.tobytes())


class RingReader:
    """A reader with a place of its own in the ring at `offset`; it begins with the oldest entry there is."""

    def __init__(self, memory: mmap.mmap, offset: int, entry_type: np.dtype[Any]) -> None:
        self._memory = memory
        self._offset = offset
        self._type = _framed(entry_type)
        self._taken = 0

    def drain(self) -> list[tuple[int, NDArray[Any]]]:
        """Every entry written since the last call that is still there, oldest first, each with its number from 0."""
        entries: list[tuple[int, NDArray[Any]]] = []
        while len(entries) < ENTRIES:
            slot = self._copy(self._taken % ENTRIES)
            number = int(slot["number"])
            if number <= self._taken or int(slot["crc"]) != _checksum(number, slot["entry"].tobytes()):
                break
            if number > self._taken + 1:
                self._taken = number - ENTRIES // 2
                continue
            entries.append((self._taken, slot["entry"].copy()))
            self._taken = number
        return entries

    def _copy(self, index: int) -> NDArray[Any]:
        start = self._offset + index * self._type.itemsize
        return np.frombuffer(self._memory[start : start + self._type.itemsize], dtype=self._type).reshape(())

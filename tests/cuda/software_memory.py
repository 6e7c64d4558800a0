"""The stand-in's memory: host arrays, found by their address, each of a kind that says who may touch it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Kind(Enum):
    DEVICE, PINNED = range(2)


class IllegalAddressError(Exception):
    """Memory that nobody has allocated, or that this side cannot see."""


class OutOfMemory(Exception):
    """More than there is."""


@dataclass
class Memory:
    """Everything that is allocated.

    Attributes:
        limit: bytes there are.
        freed: addresses that were given back.
    """

    limit: int = 1 << 32
    blocks: dict[int, tuple[NDArray[np.uint8], Kind]] = field(default_factory=dict)
    freed: list[int] = field(default_factory=list)

    def allocate(self, size: int, kind: Kind) -> NDArray[np.uint8]:
        if self.used + size > self.limit:
            raise OutOfMemory
        block = np.full(size, 0xA5, np.uint8)
        self.blocks[block.ctypes.data] = (block, kind)
        return block

    def free(self, address: int) -> None:
        del self.blocks[address]
        self.freed.append(address)

    @property
    def used(self) -> int:
        return sum(block.nbytes for block, _ in self.blocks.values())

    def kind_of(self, address: int, size: int) -> Kind | None:
        """None if no block holds all of it."""
        for start, (block, kind) in self.blocks.items():
            if start <= address and address + size <= start + block.nbytes:
                return kind
        return None

    def seen_by_the_gpu(self, address: int, size: int, *, mapped: bool) -> NDArray[np.uint8]:
        """The bytes there. Raises IllegalAddressError for what only the host sees."""
        kind = self.kind_of(address, size)
        if kind is None or (kind is Kind.PINNED and not mapped):
            raise IllegalAddressError(f"{size} bytes at {address:#x}")
        return raw(address, size)


def raw(address: int, size: int) -> NDArray[Any]:
    """Host memory as it lies there, whoever it belongs to."""
    return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))

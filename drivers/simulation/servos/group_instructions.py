"""Instructions for several servos at once, taken apart; one that breaks off counts as far as it goes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from libra_edge.drivers.dynamixel.frame import Frame
from libra_edge.drivers.dynamixel.instruction_set import Opcode

SYNC_READS = {Opcode.SYNC_READ, Opcode.FAST_SYNC_READ}
FAST_READS = {Opcode.FAST_SYNC_READ, Opcode.FAST_BULK_READ}
GROUP_WRITES = {Opcode.SYNC_WRITE, Opcode.BULK_WRITE}
GROUPED = {*SYNC_READS, *FAST_READS, *GROUP_WRITES, Opcode.BULK_READ}
WORD_PAIR = struct.Struct("<HH")
BULK_ITEM = struct.Struct("<BHH")


class Question(NamedTuple):
    """What one servo is asked in a sync or bulk read."""

    servo_id: int
    address: int
    size: int


def reads_of(frame: Frame) -> list[Question]:
    """The questions of a sync or bulk read, in the order of the answers."""
    rest = frame.parameters
    if frame.opcode not in SYNC_READS:
        whole = rest[: len(rest) - len(rest) % BULK_ITEM.size]
        return [Question(*item) for item in BULK_ITEM.iter_unpack(whole)]
    if len(rest) < WORD_PAIR.size:
        return []
    address, size = WORD_PAIR.unpack_from(rest)
    return [Question(servo_id, address, size) for servo_id in rest[WORD_PAIR.size :]]


def writes_of(frame: Frame) -> Iterator[tuple[int, int, bytes]]:
    """Servo id, address and data of a sync or bulk write."""
    rest, at = frame.parameters, 0
    if frame.opcode == Opcode.BULK_WRITE:
        while at + BULK_ITEM.size < len(rest):
            servo_id, address, size = BULK_ITEM.unpack_from(rest, at)
            at += BULK_ITEM.size + size
            if at <= len(rest):
                yield servo_id, address, rest[at - size : at]
        return
    if len(rest) < WORD_PAIR.size:
        return
    address, size = WORD_PAIR.unpack_from(rest)
    for at in range(WORD_PAIR.size, len(rest) - size, size + 1):
        yield rest[at], address, rest[at + 1 : at + 1 + size]

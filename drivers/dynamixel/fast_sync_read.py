"""The one status packet that answers a fast sync read.

    FF FF FD 00 | FE | length lo hi | 55 | error, id, data, CRC lo hi | error, id, data, CRC lo hi | ...

Every servo appends its block as the one before it falls silent; its CRC covers everything before it on the wire: the
last one checks the whole packet, and blocks before a missing or damaged one are known to be sound. Nothing is stuffed:
sizes are known (ROBOTIS e-Manual, "Fast Sync Read").
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from libra_edge.drivers.dynamixel.crc import crc16
from libra_edge.drivers.dynamixel.frame import CRC_BYTES, HEADER, PREFIX_BYTES, Status
from libra_edge.drivers.dynamixel.instruction_set import BROADCAST_ID, Opcode

BLOCK_OVERHEAD = 2 + CRC_BYTES


def packet_bytes(servos: int, size: int) -> int:
    """Length of the whole answer of `servos` servos with `size` data bytes each."""
    return 8 + servos * (size + BLOCK_OVERHEAD)


def encode_fast_answer(statuses: Sequence[Status], expected: int) -> bytes:
    """What the servos put on the wire; fewer than `expected` blocks leave the packet unfinished."""
    size = len(statuses[0].parameters) if statuses else 0
    packet, _ = _prefix(expected, size)
    for status in statuses:
        packet += bytes([status.error, status.servo_id]) + status.parameters
        packet += crc16(packet).to_bytes(CRC_BYTES, "little")
    return packet


def blocks_of(packet: bytes, servo_ids: Sequence[int], size: int) -> list[Status]:
    """One status a servo of a whole packet that checks, in the order asked for; none if others have answered it."""
    block = size + BLOCK_OVERHEAD
    statuses = []
    for start, servo_id in zip(range(PREFIX_BYTES + 1, len(packet), block), servo_ids, strict=False):
        if packet[start + 1] != servo_id:
            return []
        statuses.append(Status(servo_id, packet[start], packet[start + 2 : start + 2 + size]))
    return statuses


def sound_blocks(received: bytes, servo_ids: Sequence[int], size: int) -> list[Status]:
    """One status a servo, in the order asked for, up to the first block that is not there, damaged or foreign."""
    prefix, _ = _prefix(len(servo_ids), size)
    start = received.find(prefix)
    return BlockReader(servo_ids, size).read(received[start:]) if start >= 0 else []


class BlockReader:
    """Reads blocks as they come, so that little is left to do when the last one is there."""

    def __init__(self, servo_ids: Sequence[int], size: int) -> None:
        self._prefix, _ = _prefix(len(servo_ids), size)
        self._awaited = list(servo_ids)
        self._block_bytes = size + BLOCK_OVERHEAD
        self._end = self._remainder = 0

    def read(self, received: bytes | bytearray) -> list[Status]:
        """The statuses that were not there before; `received` is all that has come, from the packet's first byte on.

        None after the first block that is damaged or foreign, nor if something else has come first.
        """
        if not self._end:
            if not received.startswith(self._prefix):
                return []
            self._end, self._remainder = len(self._prefix), crc16(self._prefix)
        statuses = []
        while self._awaited and len(received) >= self._end + self._block_bytes:
            block = bytes(received[self._end : self._end + self._block_bytes])
            remainder = crc16(block[:-CRC_BYTES], self._remainder)
            if block[-CRC_BYTES:] != remainder.to_bytes(CRC_BYTES, "little") or block[1] != self._awaited[0]:
                self._awaited.clear()
                break
            statuses.append(Status(self._awaited.pop(0), block[0], block[2:-CRC_BYTES]))
            self._remainder = crc16(block[-CRC_BYTES:], remainder)
            self._end += self._block_bytes
        return statuses


@lru_cache
def _prefix(servos: int, size: int) -> tuple[bytes, int]:
    """What stands before the first block, and the length of the whole packet."""
    whole = packet_bytes(servos, size)
    length = (whole - PREFIX_BYTES).to_bytes(2, "little")
    return HEADER + bytes([BROADCAST_ID]) + length + bytes([Opcode.STATUS]), whole

"""The one status packet that answers a fast sync or bulk read, as the servos put it on the wire.

    FF FF FD 00 | FE | length lo hi | 55 | error, id, data, CRC lo hi | error, id, data, CRC lo hi | ...

e-Manual, Protocol 2.0, "Fast Sync Read (0x8A)" and "Fast Bulk Read (0x9A)". Nothing is stuffed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from libra_edge.drivers.dynamixel.crc import crc16
from libra_edge.drivers.dynamixel.frame import CRC_BYTES, HEADER, PREFIX_BYTES, Status
from libra_edge.drivers.dynamixel.instruction_set import BROADCAST_ID, Opcode

BLOCKS_START = PREFIX_BYTES + 1
BLOCK_OVERHEAD = 2 + CRC_BYTES


def encode_fast_answer(statuses: Sequence[Status], sizes: Sequence[int]) -> bytes:
    """`sizes`: data bytes asked of each servo; fewer statuses leave the packet unfinished, a refusal gives zeros."""
    length = 1 + sum(size + BLOCK_OVERHEAD for size in sizes)
    packet = HEADER + bytes([BROADCAST_ID]) + length.to_bytes(2, "little") + bytes([Opcode.STATUS])
    for status, size in zip(statuses, sizes, strict=False):
        packet += bytes([status.error, status.servo_id]) + status.parameters.ljust(size, b"\0")
        packet += crc16(packet).to_bytes(CRC_BYTES, "little")
    return packet


def block_ends(sizes: Sequence[int]) -> tuple[int, ...]:
    """Bytes of the packet after which each servo falls silent, and the next one speaks."""
    return tuple(accumulate((size + BLOCK_OVERHEAD for size in sizes), initial=BLOCKS_START))[1:]

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
    prefix, length = _prefix(len(servo_ids), size)
    start = received.find(prefix)
    if start < 0:
        return []
    packet = received[start : start + length]
    whole = crc16(packet[:-CRC_BYTES]) == int.from_bytes(packet[-CRC_BYTES:], "little")
    if whole and (statuses := blocks_of(packet, servo_ids, size)):
        return statuses
    statuses = []
    end, remainder = start + len(prefix), crc16(prefix)
    for servo_id in servo_ids:
        block = received[end : end + size + BLOCK_OVERHEAD]
        remainder = crc16(block[:-CRC_BYTES], remainder)
        if len(block) < size + BLOCK_OVERHEAD or block[-CRC_BYTES:] != remainder.to_bytes(CRC_BYTES, "little"):
            break
        if block[1] != servo_id:
            break
        statuses.append(Status(servo_id, block[0], block[2:-CRC_BYTES]))
        remainder = crc16(block[-CRC_BYTES:], remainder)
        end += len(block)
    return statuses


@lru_cache
def _prefix(servos: int, size: int) -> tuple[bytes, int]:
    """What stands before the first block, and the length of the whole packet."""
    whole = packet_bytes(servos, size)
    length = (whole - PREFIX_BYTES).to_bytes(2, "little")
    return HEADER + bytes([BROADCAST_ID]) + length + bytes([Opcode.STATUS]), whole

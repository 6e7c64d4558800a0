"""The one status packet that answers a fast sync read.

    FF FF FD 00 | FE | length lo hi | 55 | error, id, data, CRC lo hi | error, id, data, CRC lo hi | ...

Every servo appends its block as the one before it falls silent; its CRC covers everything before it on the wire, so the
last one checks the whole packet. Nothing is stuffed: sizes are known (ROBOTIS e-Manual, "Fast Sync Read").
"""

from __future__ import annotations

from collections.abc import Sequence

from libra_edge.drivers.dynamixel.crc import crc16
from libra_edge.drivers.dynamixel.frame import CRC_BYTES, HEADER, Frame, Status
from libra_edge.drivers.dynamixel.instruction_set import BROADCAST_ID, Opcode
from libra_edge.errors import CorruptPacketError

BLOCK_OVERHEAD = 2 + CRC_BYTES


def packet_bytes(servos: int, size: int) -> int:
    """Length of the whole answer of `servos` servos with `size` data bytes each."""
    return 8 + servos * (size + BLOCK_OVERHEAD)


def encode_fast_answer(statuses: Sequence[Status], expected: int) -> bytes:
    """What the servos put on the wire; fewer than `expected` blocks leave the packet unfinished."""
    size = len(statuses[0].parameters) if statuses else 0
    length = packet_bytes(expected, size) - 7
    packet = HEADER + bytes([BROADCAST_ID]) + length.to_bytes(2, "little") + bytes([Opcode.STATUS])
    for status in statuses:
        packet += bytes([status.error, status.servo_id]) + status.parameters
        packet += crc16(packet).to_bytes(CRC_BYTES, "little")
    return packet


def split_fast_answer(frame: Frame, servo_ids: Sequence[int], size: int) -> list[Status]:
    """One status a servo, in the order asked for. Raises CorruptPacketError for other servos or another size."""
    block = size + BLOCK_OVERHEAD
    if len(frame.raw) != packet_bytes(len(servo_ids), size):
        raise CorruptPacketError(f"a fast answer of {len(frame.raw)} bytes does not fit", frame.raw)
    statuses = []
    for index, servo_id in enumerate(servo_ids):
        start = 8 + index * block
        error, answered = frame.raw[start], frame.raw[start + 1]
        if answered != servo_id:
            raise CorruptPacketError(f"servo {answered} stands where servo {servo_id} was asked", frame.raw)
        statuses.append(Status(servo_id, error, frame.raw[start + 2 : start + 2 + size]))
    return statuses

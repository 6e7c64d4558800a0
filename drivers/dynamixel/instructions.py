"""The instructions this package sends. Addresses and sizes are 16 bits, little endian."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from libra_edge.drivers.dynamixel.frame import Instruction
from libra_edge.drivers.dynamixel.instruction_set import BROADCAST_ID, Opcode


def ping(servo_id: int) -> Instruction:
    """Answered with model number (2 bytes) and firmware version (1)."""
    return Instruction(servo_id, Opcode.PING)


def reboot(servo_id: int) -> Instruction:
    """Answered, then torque, RAM registers and the turn count are lost."""
    return Instruction(servo_id, Opcode.REBOOT)


def read(servo_id: int, address: int, size: int) -> Instruction:
    """Answered with `size` bytes."""
    return Instruction(servo_id, Opcode.READ, struct.pack("<HH", address, size))


def write(servo_id: int, address: int, data: bytes) -> Instruction:
    """Answered with the error byte alone."""
    return Instruction(servo_id, Opcode.WRITE, struct.pack("<H", address) + data)


def sync_read(servo_ids: Sequence[int], address: int, size: int) -> Instruction:
    """Answered by one status packet a servo, in the order of `servo_ids`."""
    return Instruction(BROADCAST_ID, Opcode.SYNC_READ, struct.pack("<HH", address, size) + bytes(servo_ids))


def fast_sync_read(servo_ids: Sequence[int], address: int, size: int) -> Instruction:
    """Answered by one status packet for all (see fast_sync_read.py)."""
    return Instruction(BROADCAST_ID, Opcode.FAST_SYNC_READ, struct.pack("<HH", address, size) + bytes(servo_ids))


def sync_write(address: int, data: Mapping[int, bytes]) -> Instruction:
    """Never answered. `data` maps servo id to its bytes, all of one size."""
    sizes = set(map(len, data.values()))
    if len(sizes) != 1:
        raise ValueError(f"a sync write needs data of one size, got sizes {sorted(sizes)}")
    blocks = b"".join([bytes((servo_id,)) + item for servo_id, item in data.items()])
    return Instruction(BROADCAST_ID, Opcode.SYNC_WRITE, struct.pack("<HH", address, sizes.pop()) + blocks)

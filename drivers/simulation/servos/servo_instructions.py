"""What one emulated servo does with an instruction, and what it answers."""

from __future__ import annotations

import struct
from collections.abc import Callable

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.frame import Frame, Status
from libra_edge.drivers.dynamixel.instruction_set import ALERT_BIT, Opcode, Refusal
from libra_edge.drivers.simulation.servos.emulated_servo import EmulatedServo

LEVEL_READS = 1
LEVEL_ALL = 2
ADDRESS_BYTES = 2
READ_PARAMETERS = 4
RESET_ALL, RESET_BUT_ID, RESET_BUT_ID_AND_BAUD = 0xFF, 0x01, 0x02
"""Options of a factory reset."""
CLEAR_TURNS = bytes([0x01, 0x44, 0x58, 0x4C, 0x22])

Write = Callable[[EmulatedServo, int, bytes, bytes], Refusal]
"""Writes data at an address of a servo; the last argument is the packet that asked for it."""


def carry_out(servo: EmulatedServo, frame: Frame, write: Write) -> Status | None:
    """Obey an instruction to this servo; None where its status return level keeps it silent."""
    servo_id, level = servo.servo_id, servo[r.STATUS_RETURN_LEVEL]
    if frame.opcode == Opcode.PING:
        return ping(servo)
    if frame.opcode == Opcode.READ:
        if level < LEVEL_READS:
            return None
        if len(frame.parameters) != READ_PARAMETERS:
            return _status(servo_id, servo, Refusal.LENGTH)
        return read(servo, *struct.unpack("<HH", frame.parameters))
    refusal = _obey(servo, frame, write)
    return _status(servo_id, servo, refusal) if level >= LEVEL_ALL else None


def obey_broadcast(servo: EmulatedServo, frame: Frame, write: Write) -> None:
    """Obey what everybody was told; nobody resets everything, ids included, at once."""
    if frame.opcode == Opcode.FACTORY_RESET and frame.parameters == bytes([RESET_ALL]):
        return
    _obey(servo, frame, write)


def obey_group(servo: EmulatedServo, frame: Frame, write: Write) -> None:
    """Obey what was said to the secondary id, without an answer; EEPROM cannot be written this way."""
    eeprom = int.from_bytes(frame.parameters[:ADDRESS_BYTES], "little") < r.EEPROM_END
    if frame.opcode in {Opcode.WRITE, Opcode.REG_WRITE} and eeprom:
        return
    _obey(servo, frame, write)


def ping(servo: EmulatedServo) -> Status:
    """Model number and firmware version, whatever the status return level."""
    data = servo[r.MODEL_NUMBER].to_bytes(2, "little") + bytes([servo[r.FIRMWARE]])
    return _status(servo.servo_id, servo, Refusal.NONE, data)


def read(servo: EmulatedServo, address: int, size: int) -> Status:
    """Bytes of the table; ACCESS beyond it."""
    data = servo.read(address, size)
    return _status(servo.servo_id, servo, Refusal.ACCESS if data is None else Refusal.NONE, data or b"")


def _obey(servo: EmulatedServo, frame: Frame, write: Write) -> Refusal:
    if frame.opcode in {Opcode.WRITE, Opcode.REG_WRITE}:
        return _take_data(servo, frame, write)
    if frame.opcode == Opcode.ACTION:
        kept = servo.act()
        return Refusal.INSTRUCTION if kept is None else write(servo, *kept, frame.raw)
    if frame.opcode == Opcode.REBOOT:
        servo.reboot()
        return Refusal.NONE
    if frame.opcode == Opcode.CLEAR:
        return servo.clear_turns() if frame.parameters == CLEAR_TURNS else Refusal.RANGE
    return _factory_reset(servo, frame.parameters) if frame.opcode == Opcode.FACTORY_RESET else Refusal.INSTRUCTION


def _take_data(servo: EmulatedServo, frame: Frame, write: Write) -> Refusal:
    """A write, now or at the next action."""
    address, data = int.from_bytes(frame.parameters[:ADDRESS_BYTES], "little"), frame.parameters[ADDRESS_BYTES:]
    if not data:
        return Refusal.LENGTH
    if frame.opcode == Opcode.REG_WRITE:
        return servo.register_write(address, data)
    return write(servo, address, data, frame.raw)


def _factory_reset(servo: EmulatedServo, parameters: bytes) -> Refusal:
    if len(parameters) != 1:
        return Refusal.LENGTH
    if parameters[0] not in {RESET_ALL, RESET_BUT_ID, RESET_BUT_ID_AND_BAUD}:
        return Refusal.RANGE
    servo.factory_reset(parameters[0] != RESET_ALL, parameters[0] == RESET_BUT_ID_AND_BAUD)
    return Refusal.NONE


def _status(servo_id: int, servo: EmulatedServo, refusal: Refusal, data: bytes = b"") -> Status:
    """An answer with the alert bit where it belongs, from the id that was asked."""
    return Status(servo_id, refusal | (ALERT_BIT if servo.alert else 0), data)

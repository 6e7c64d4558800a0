"""Packets of Protocol 2.0 as values, to and from the bytes on the wire.

    FF FF FD 00 | id | length lo hi | instruction, parameters (stuffed) | CRC lo hi

`length` counts everything after itself. A fast sync read is answered by one status packet from the broadcast id, which
is not stuffed (ROBOTIS e-Manual, "Protocol 2.0").
"""

from __future__ import annotations

from dataclasses import dataclass

from libra_edge.drivers.dynamixel.crc import crc16
from libra_edge.drivers.dynamixel.instruction_set import ALERT_BIT, BROADCAST_ID, Opcode
from libra_edge.drivers.dynamixel.stuffing import stuff, unstuff
from libra_edge.errors import CorruptPacketError

HEADER = b"\xff\xff\xfd\x00"
PREFIX_BYTES = 7
CRC_BYTES = 2
SHORTEST_LENGTH = 1 + CRC_BYTES
LONGEST_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """A packet that checks: `body` is opcode and parameters, unstuffed; `raw` is what was on the wire."""

    servo_id: int
    body: bytes
    raw: bytes

    @property
    def opcode(self) -> int:
        """First byte of the body."""
        return self.body[0]

    @property
    def parameters(self) -> bytes:
        """The body after the opcode."""
        return self.body[1:]


@dataclass(frozen=True, slots=True)
class Instruction:
    """What the host asks of one servo, or of all of them (broadcast id)."""

    servo_id: int
    opcode: int
    parameters: bytes = b""

    def encode(self) -> bytes:
        """Bytes for the wire."""
        return encode_frame(self.servo_id, bytes((self.opcode,)) + self.parameters)


@dataclass(frozen=True, slots=True)
class Status:
    """What one servo answers; `error` is the raw error byte."""

    servo_id: int
    error: int = 0
    parameters: bytes = b""

    @property
    def alert(self) -> bool:
        """A hardware error stands in the servo (register 70 says which)."""
        return bool(self.error & ALERT_BIT)

    @property
    def refusal(self) -> int:
        """Why the instruction was refused, 0 if it was not."""
        return self.error & ~ALERT_BIT

    def encode(self) -> bytes:
        """Bytes for the wire."""
        return encode_frame(self.servo_id, bytes([Opcode.STATUS, self.error]) + self.parameters)


def encode_frame(servo_id: int, body: bytes) -> bytes:
    """Header, stuffing, length and CRC around a body."""
    stuffed = stuff(body)
    length = len(stuffed) + CRC_BYTES
    if length > LONGEST_LENGTH:
        raise ValueError(f"a packet of {length} bytes is longer than {LONGEST_LENGTH}")
    packet = HEADER + bytes((servo_id,)) + length.to_bytes(2, "little") + stuffed
    return packet + crc16(packet).to_bytes(CRC_BYTES, "little")


def decode_frame(raw: bytes) -> Frame:
    """Check and unstuff exactly one packet. Raises CorruptPacketError."""
    if crc16(raw[:-CRC_BYTES]) != int.from_bytes(raw[-CRC_BYTES:], "little"):
        raise CorruptPacketError("checksum does not hold", raw)
    servo_id, body = raw[4], raw[PREFIX_BYTES:-CRC_BYTES]
    if servo_id == BROADCAST_ID and body[0] == Opcode.STATUS:
        return Frame(servo_id, body, raw)
    try:
        return Frame(servo_id, unstuff(body), raw)
    except ValueError as error:
        raise CorruptPacketError(str(error), raw) from error


def status_of(frame: Frame) -> Status | None:
    """The answer in a frame; None if the frame is none (an echo of our own instruction, for example)."""
    if frame.opcode != Opcode.STATUS or frame.servo_id == BROADCAST_ID or len(frame.body) < 2:
        return None
    return Status(frame.servo_id, frame.body[1], frame.body[2:])

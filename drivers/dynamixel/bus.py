"""Asks servos and waits for their answers, each until an absolute deadline. Blocking; used from one thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from libra_edge.drivers.dynamixel import fast_sync_read, instructions
from libra_edge.drivers.dynamixel.frame import Frame, Instruction, Status, status_of
from libra_edge.drivers.dynamixel.instruction_set import BROADCAST_ID, Opcode, meaning_of
from libra_edge.drivers.dynamixel.parser import FrameParser
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.errors import CorruptPacketError, NoAnswerError, ServoError

logger = logging.getLogger(__name__)

BITS_A_BYTE = 10
STATUS_OVERHEAD = 11
FACTORY_RETURN_DELAY_S = 500e-6
LEAST_MARGIN_S = 1e-3
"""What an adapter on a USB port needs beyond the bytes' time, even where time is short."""
LENGTHS = 4
"""A question after a silent one asks for a byte more, so many lengths in all: a late answer fits none but its own."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a servo answers to a ping."""

    model_number: int
    firmware: int


class Bus:
    """Instructions on one port. Each may be given twice without harm, and is, when its answer is lost or damaged.

    Attributes:
        answer_margin_s: what driver, adapter and servo may take beyond the bytes' time on the wire.
        attempts: how often something is asked in all.
        repeated: how many instructions had to be repeated so far.
    """

    def __init__(self, port: SerialPort, answer_margin_s: float = 0.03, attempts: int = 2) -> None:
        self.port = port
        self.answer_margin_s = answer_margin_s
        self.attempts = attempts
        self.repeated = 0
        self._until_ns: int | None = None
        self._longer = 0

    @contextmanager
    def within(self, seconds: float, attempts: int) -> Iterator[None]:
        """In this context nothing is awaited past `seconds` from now, which the attempts share."""
        outer = self._until_ns, self.attempts
        self._until_ns, self.attempts = time.monotonic_ns() + round(seconds * 1e9), attempts
        try:
            yield
        finally:
            self._until_ns, self.attempts = outer

    def ping(self, servo_id: int) -> Identity:
        """Model and firmware. Raises BusError."""
        status = self._ask(instructions.ping(servo_id), [servo_id], 3)[servo_id]
        return Identity(int.from_bytes(status.parameters[:2], "little"), status.parameters[2])

    def reboot(self, servo_id: int) -> None:
        """Restart one servo: torque, RAM registers and turn count are lost. Raises BusError."""
        _accepted(self._ask(instructions.reboot(servo_id), [servo_id], 0)[servo_id])

    def read(self, servo_id: int, register: Register) -> int:
        """One register of one servo. Raises BusError."""
        return register.decode(self.read_block(servo_id, register.address, register.size).parameters)

    def read_block(self, servo_id: int, address: int, size: int) -> Status:
        """`size` bytes of one servo. Raises BusError."""
        longer = size + self._longer
        question = instructions.read(servo_id, address, longer)
        return _cut(_accepted(self._ask(question, [servo_id], longer)[servo_id]), size)

    def write(self, servo_id: int, register: Register, value: int) -> None:
        """One register of one servo. Raises BusError (ServoError if the servo refuses)."""
        order = instructions.write(servo_id, register.address, register.encode(value))
        _accepted(self._ask(order, [servo_id], 0)[servo_id])

    def sync_read(self, servo_ids: Sequence[int], address: int, size: int, *, fast: bool = False) -> dict[int, Status]:
        """`size` bytes from each servo, in one packet for all if `fast`. Raises BusError.

        A fast read is repeated as a plain one, which tells who is silent.
        """
        longer = size + self._longer
        plain = instructions.sync_read(servo_ids, address, longer)
        first = instructions.fast_sync_read(servo_ids, address, longer) if fast else plain
        answers = self._ask(first, servo_ids, longer, again=plain)
        return {servo_id: _cut(_accepted(status), size) for servo_id, status in answers.items()}

    def answers_fast_sync_read(self, servo_ids: Sequence[int], address: int, size: int) -> bool:
        """Whether these servos know the fast sync read. Raises BusError if the port fails."""
        try:
            self._ask(instructions.fast_sync_read(servo_ids, address, size), servo_ids, size)
        except (NoAnswerError, CorruptPacketError) as fault:
            logger.debug("fast sync read: %s", fault)
            return False
        return True

    def sync_write(self, register: Register, values: Mapping[int, int]) -> None:
        """One register of many servos; nothing answers. Raises BusError."""
        data = {servo_id: register.encode(value) for servo_id, value in values.items()}
        self.port.send(instructions.sync_write(register.address, data).encode())

    def _ask(
        self, instruction: Instruction, servo_ids: Sequence[int], size: int, again: Instruction | None = None
    ) -> dict[int, Status]:
        """Exchange, repeated with `again` (the same by default) while answers are lost or damaged and time is left."""
        for left in range(self.attempts, 1, -1):
            try:
                return self._exchange(instruction, servo_ids, size, left)
            except (NoAnswerError, CorruptPacketError) as fault:
                self._longer = (self._longer + 1) % LENGTHS
                if self._until_ns is not None and self._until_ns <= time.monotonic_ns():
                    raise
                self.repeated += 1
                instruction = again or instruction
                logger.debug("asking again: %s", fault)
        try:
            return self._exchange(instruction, servo_ids, size, 1)
        except (NoAnswerError, CorruptPacketError):
            self._longer = (self._longer + 1) % LENGTHS
            raise

    def _exchange(
        self, instruction: Instruction, servo_ids: Sequence[int], size: int, attempts_left: int
    ) -> dict[int, Status]:
        """Send, then collect the answers that fit by id and size until all are there or the deadline has passed."""
        packet = instruction.encode()
        expected_bytes = _answer_bytes(instruction, len(servo_ids), size)
        wait_s = self._patience_s(len(packet) + expected_bytes, len(servo_ids), attempts_left)
        self.port.send(packet)
        deadline_ns = time.monotonic_ns() + round(wait_s * 1e9)
        parser, answers, received = FrameParser(), dict[int, Status](), 0
        while len(answers) < len(servo_ids):
            data = self.port.receive(deadline_ns)
            received += len(data)
            for frame in parser.feed(data):
                for status in _statuses(frame, instruction, servo_ids, size):
                    answers.setdefault(status.servo_id, status)
            if not data or (parser.corrupt and received >= expected_bytes):
                break
        missing = [servo_id for servo_id in servo_ids if servo_id not in answers]
        if missing:
            raise parser.last_fault or NoAnswerError(missing, wait_s)
        return answers

    def _patience_s(self, wire_bytes: int, servos: int, attempts_left: int) -> float:
        """Seconds to wait for an answer: where time is short, its share of what is left, or what it needs at least."""
        wire_s = wire_bytes * BITS_A_BYTE / self.port.baud
        ample_s = wire_s + servos * FACTORY_RETURN_DELAY_S + self.answer_margin_s
        if self._until_ns is None:
            return ample_s
        share_s = (self._until_ns - time.monotonic_ns()) / 1e9 / attempts_left
        return min(ample_s, max(share_s, wire_s + LEAST_MARGIN_S))


def _answer_bytes(instruction: Instruction, servos: int, size: int) -> int:
    if instruction.opcode == Opcode.FAST_SYNC_READ:
        return fast_sync_read.packet_bytes(servos, size)
    return servos * (STATUS_OVERHEAD + size)


def _statuses(frame: Frame, instruction: Instruction, servo_ids: Sequence[int], size: int) -> list[Status]:
    """The answers in a frame that this instruction can have caused; others are late ones, or echoes."""
    if instruction.opcode == Opcode.FAST_SYNC_READ:
        fitting = len(frame.raw) == fast_sync_read.packet_bytes(len(servo_ids), size)
        fast = fitting and frame.servo_id == BROADCAST_ID and frame.opcode == Opcode.STATUS
        return fast_sync_read.split_fast_answer(frame, servo_ids, size) if fast else []
    status = status_of(frame)
    if status is None or status.servo_id not in servo_ids:
        return []
    return [status] if len(status.parameters) == size or status.refusal else []


def _accepted(status: Status) -> Status:
    if status.refusal:
        raise ServoError(status.servo_id, status.refusal, meaning_of(status.refusal))
    return status


def _cut(status: Status, size: int) -> Status:
    """Without the bytes that were asked for only to tell it from a late answer."""
    return status if len(status.parameters) == size else replace(status, parameters=status.parameters[:size])

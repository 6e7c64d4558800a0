"""Asks servos and awaits their answers, each until a deadline, in an event loop."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from libra_edge.drivers.dynamixel import instructions
from libra_edge.drivers.dynamixel.answer_delay import AnswerDelay
from libra_edge.drivers.dynamixel.answer_lengths import AnswerLengths
from libra_edge.drivers.dynamixel.bus_counts import BusCounts
from libra_edge.drivers.dynamixel.exchange import Exchange
from libra_edge.drivers.dynamixel.frame import Frame, Instruction, Status
from libra_edge.drivers.dynamixel.instruction_set import meaning_of
from libra_edge.drivers.dynamixel.register import MODEL_NUMBER, Register
from libra_edge.drivers.dynamixel.register_access import check_readable, checked_bytes
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.dynamixel.servo_model import ServoModel
from libra_edge.drivers.dynamixel.transport import SerialTransport
from libra_edge.errors import CorruptPacketError, NoAnswerError, ServoError

logger = logging.getLogger(__name__)

FACTORY_RETURN_DELAY_S = 500e-6
LEAST_MARGIN_S = 1e-3
"""What an adapter on a USB port needs beyond the bytes' time, even where time is short."""


Question = Callable[[Sequence[int], int], tuple[Instruction, int]]
"""From the servos that are asked, and so many bytes more than needed, to the instruction and its answers' size."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a servo answers to a ping."""

    model_number: int
    firmware: int


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of a question: one status a servo that answered, and what is wrong with the others (None: nothing)."""

    statuses: Mapping[int, Status]
    fault: NoAnswerError | CorruptPacketError | None


class AsyncBus:
    """Instructions on one port. Each may be given twice without harm, and is, when its answer is lost or damaged.

    One question at a time: the wire has one master.

    Attributes:
        answer_margin_s: what driver, adapter and servo may take beyond the bytes' time on the wire.
        attempts: how often something is asked in all.
        models: servo id -> its model; what is read from and written to these must be in their register tables.
        counts: what went wrong so far.
    """

    def __init__(
        self,
        port: SerialPort,
        answer_margin_s: float = 0.03,
        attempts: int = 2,
        models: Mapping[int, ServoModel] | None = None,
    ) -> None:
        self.port = port
        self.answer_margin_s = answer_margin_s
        self.attempts = attempts
        self.models = dict(models or {})
        self.counts = BusCounts()
        self._transport = SerialTransport(port)
        self._until_ns: int | None = None
        self._delay: AnswerDelay | None = None
        self._lengths = AnswerLengths()
        self._unsettled: set[int] = set()

    @contextlib.contextmanager
    def within(self, seconds: float, attempts: int, delay: AnswerDelay | None = None) -> Iterator[None]:
        """In this context nothing is awaited past `seconds` from now, which the attempts share.

        With `delay` no answer is awaited longer than it has learned, either; it goes on learning.
        """
        outer = self._until_ns, self.attempts, self._delay
        self._until_ns, self.attempts, self._delay = time.monotonic_ns() + round(seconds * 1e9), attempts, delay
        try:
            yield
        finally:
            self._until_ns, self.attempts, self._delay = outer

    async def ping(self, servo_id: int) -> Identity:
        """Model and firmware. Raises BusError."""
        status = await self._ask_one(servo_id, lambda ids, _: (instructions.ping(ids[0]), 3))
        return Identity(int.from_bytes(status.parameters[:2], "little"), status.parameters[2])

    async def reboot(self, servo_id: int) -> None:
        """Restart one servo: torque, RAM registers and turn count are lost. Raises BusError."""
        await self._ask_one(servo_id, lambda ids, _: (instructions.reboot(ids[0]), 0))

    async def read(self, servo_id: int, register: Register) -> int:
        """One register of one servo. Raises BusError (RegisterError if its model has none there)."""
        check_readable(self.models.get(servo_id), register)
        return register.decode((await self.read_block(servo_id, register.address, register.size)).parameters)

    async def read_block(self, servo_id: int, address: int, size: int) -> Status:
        """`size` bytes of one servo. Raises BusError."""

        def question(ids: Sequence[int], more: int) -> tuple[Instruction, int]:
            return instructions.read(ids[0], address, size + more), size + more

        return await self._ask_one(servo_id, question)

    async def write(self, servo_id: int, register: Register, value: int) -> None:
        """One register of one servo. Raises BusError (ServoError if the servo refuses, RegisterError if it would)."""
        data = checked_bytes(self.models.get(servo_id), register, value)
        if servo_id in self._unsettled:
            await self._settle(servo_id)
        await self._ask_one(servo_id, lambda ids, _: (instructions.write(ids[0], register.address, data), 0))

    async def sync_read(
        self, servo_ids: Sequence[int], address: int, size: int, *, fast: bool = False
    ) -> dict[int, Status]:
        """`size` bytes from each servo, in one packet for all if `fast`. Raises BusError."""
        answers = await self.sync_read_some(servo_ids, address, size, fast=fast)
        if answers.fault is not None:
            raise answers.fault
        return {servo_id: _accepted(answers.statuses[servo_id]) for servo_id in servo_ids}

    async def sync_read_some(
        self, servo_ids: Sequence[int], address: int, size: int, *, fast: bool = False, silent: Collection[int] = ()
    ) -> Answers:
        """As `sync_read`, but servos that do not answer are no error. Raises PortError.

        They are asked again by a plain read, the first of them last: in a sync read a servo waits for the one before.
        Not so if all of them are among the `silent`, who did not answer the last time either.
        """

        def plain(ids: Sequence[int], more: int) -> tuple[Instruction, int]:
            return instructions.sync_read(ids, address, size + more), size + more

        def quick(ids: Sequence[int], more: int) -> tuple[Instruction, int]:
            return instructions.fast_sync_read(ids, address, size + more), size + more

        return await self._ask(servo_ids, quick if fast else plain, again=plain, silent=silent)

    async def answers_fast_sync_read(self, servo_ids: Sequence[int], address: int, size: int) -> bool:
        """Whether these servos know the fast sync read. Raises PortError."""

        def quick(ids: Sequence[int], more: int) -> tuple[Instruction, int]:
            return instructions.fast_sync_read(ids, address, size + more), size + more

        answers = await self._ask(servo_ids, quick, again=quick)
        logger.debug("fast sync read: %s", answers.fault or "answered")
        return answers.fault is None

    def sync_write(self, register: Register, values: Mapping[int, int]) -> None:
        """One register of many servos; nothing answers, nothing is awaited. Raises BusError."""
        data = {key: checked_bytes(self.models.get(key), register, value) for key, value in values.items()}
        self.port.send(instructions.sync_write(register.address, data).encode())

    async def _ask_one(self, servo_id: int, question: Question) -> Status:
        answers = await self._ask([servo_id], question, again=question)
        if answers.fault is not None:
            self._unsettled.add(servo_id)
            raise answers.fault
        return _accepted(answers.statuses[servo_id])

    async def _ask(
        self, servo_ids: Sequence[int], question: Question, again: Question, silent: Collection[int] = ()
    ) -> Answers:
        """Exchange; ask the missing `again` while attempts and time are left, unless all of them are `silent`."""
        statuses: dict[int, Status] = {}
        asked, fault = list(servo_ids), None
        for left in range(self.attempts, 0, -1):
            needed = question(asked, 0)[1]
            size = self._lengths.size(needed, time.monotonic())
            exchange = Exchange(*question(asked, (size or needed) - needed), asked)
            if size is None:
                return Answers(statuses, await self._listen(exchange, left))
            fault = await self._carry(exchange, left)
            statuses.update(exchange.answers if exchange.size == needed else _cut(exchange.answers, needed))
            if exchange.answers:
                self._lengths.answered(time.monotonic())
            if fault is None:
                break
            self._lengths.unanswered(exchange, time.monotonic())
            if left == 1 or all(servo_id in silent for servo_id in exchange.missing):
                break
            if self._until_ns is not None and self._until_ns <= time.monotonic_ns():
                break
            self.counts.repeated += 1
            logger.debug("asking again: %s", fault)
            if not exchange.silent:
                first, *others = exchange.missing
                question, asked = again, [*others, first]
        return Answers(statuses, fault)

    async def _carry(self, exchange: Exchange, attempts_left: int) -> NoAnswerError | CorruptPacketError | None:
        """One exchange, counted. What is missing at its end, or None."""
        late, corrupt = self._transport.drain()
        self._came_late(late)
        wire_s = self._transport.wire_s(exchange)
        wait_s = self._patience_s(wire_s, len(exchange.servo_ids), attempts_left)
        took_s = await self._transport.carry(exchange, wait_s)
        self._came_late(exchange.strays)
        self.counts.asked += 1
        self.counts.corrupt += corrupt + exchange.corrupt
        if self._delay is not None and (late or exchange.strays):
            self._delay.came_too_late()
        if exchange.complete:
            if self._delay is not None:
                self._delay.took(took_s - wire_s)
            return None
        self.counts.unanswered += not exchange.corrupt
        return exchange.fault or NoAnswerError(exchange.missing, wait_s)

    async def _listen(self, exchange: Exchange, attempts_left: int) -> NoAnswerError:
        """As long as the exchange would be awaited: it is not asked, for its answer could be taken for an older one."""
        wait_s = self._patience_s(self._transport.wire_s(exchange), len(exchange.servo_ids), attempts_left)
        late, corrupt = await self._transport.listen(wait_s)
        self._came_late(late)
        self.counts.corrupt += corrupt
        return NoAnswerError(exchange.servo_ids, wait_s)

    def _came_late(self, frames: Sequence[Frame]) -> None:
        self.counts.late += len(frames)
        for frame in frames:
            self._lengths.came_late(frame, time.monotonic())

    async def _settle(self, servo_id: int) -> None:
        """Let an acknowledgement that is still on its way pass, or the next order would take it for its own.

        What a servo answers to a read comes after it.
        """
        with contextlib.suppress(NoAnswerError, CorruptPacketError):
            await self.read_block(servo_id, MODEL_NUMBER.address, MODEL_NUMBER.size)
            self._unsettled.discard(servo_id)

    def _patience_s(self, wire_s: float, servos: int, attempts_left: int) -> float:
        """Seconds to wait for an answer: where time is short, its share of what is left, or what it needs at least."""
        patience_s = wire_s + servos * FACTORY_RETURN_DELAY_S + self.answer_margin_s
        if self._until_ns is not None:
            share_s = (self._until_ns - time.monotonic_ns()) / 1e9 / attempts_left
            patience_s = min(patience_s, max(share_s, wire_s + LEAST_MARGIN_S))
        return patience_s if self._delay is None else min(patience_s, wire_s + self._delay.margin_s)


def _accepted(status: Status) -> Status:
    if status.refusal:
        raise ServoError(status.servo_id, status.refusal, meaning_of(status.refusal))
    return status


def _cut(statuses: Mapping[int, Status], size: int) -> dict[int, Status]:
    """Without the bytes that were asked for only to tell an answer from a late one."""
    return {key: replace(status, parameters=status.parameters[:size]) for key, status in statuses.items()}

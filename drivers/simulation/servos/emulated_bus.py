"""Several emulated servos on one wire: instruction packets in, status packets out. No port, no thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import zip_longest
from operator import and_
from typing import NamedTuple

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.frame import Frame
from libra_edge.drivers.dynamixel.instruction_set import BROADCAST_ID, Opcode, Refusal
from libra_edge.drivers.simulation.servos.emulated_servo import EmulatedServo
from libra_edge.drivers.simulation.servos.fast_answer import block_ends, encode_fast_answer
from libra_edge.drivers.simulation.servos.group_instructions import (
    FAST_READS,
    GROUP_WRITES,
    GROUPED,
    Question,
    reads_of,
    writes_of,
)
from libra_edge.drivers.simulation.servos.ledger import GoalRecord, Ledger
from libra_edge.drivers.simulation.servos.servo_instructions import (
    LEVEL_READS,
    carry_out,
    obey_broadcast,
    obey_group,
    ping,
    read,
)
from libra_edge.protocols import Clock

DELAY_UNIT_US = 2


class Answer(NamedTuple):
    """A status packet, how long its servo waits before it speaks, and the byte offsets where another one goes on."""

    packet: bytes
    delay_us: int
    seams: tuple[int, ...] = ()


class EmulatedBus:
    """Answers as the servos would, keeps the ledger.

    In a sync or bulk read a servo answers when it has seen the one before it: a missing servo silences those behind
    it. Servos with the same id answer at the same time: what the host sees is the wired AND of both.
    """

    def __init__(self, servos: Mapping[int, EmulatedServo], clock: Clock, ledger: Ledger) -> None:
        """`servos`: by any key; which id each one listens to stands in its table."""
        self.servos = servos
        self._clock = clock
        self._ledger = ledger

    def answer(self, frame: Frame) -> list[bytes]:
        """The packets that one instruction causes, in the order of the wire."""
        return [answer.packet for answer in self.respond(frame)]

    def respond(self, frame: Frame, baud: int | None = None) -> list[Answer]:
        """The same with the servos' delays; with `baud`, only servos that listen at this speed have heard it."""
        if frame.opcode == Opcode.STATUS:
            return []
        self.trip_watchdogs()
        now_ns = self._clock.now_ns()
        hearing = [servo for servo in self.servos.values() if baud is None or servo.baud == baud]
        self._ledger.packets += bool(hearing)
        for servo in hearing:
            servo.hear(now_ns)
        if frame.opcode in GROUPED:
            return self._answer_group(frame, hearing) if frame.servo_id == BROADCAST_ID else []
        if frame.servo_id == BROADCAST_ID:
            return self._answer_broadcast(frame, hearing)
        for servo in hearing:
            if servo.in_group(frame.servo_id):
                obey_group(servo, frame, self._write)
        return self._answer_one([servo for servo in hearing if servo.servo_id == frame.servo_id], frame)

    def hear(self, baud: int) -> None:
        """An instruction came in time to every servo that listens at this speed, whenever it is carried out."""
        now_ns = self._clock.now_ns()
        for servo in self.servos.values():
            if servo.baud == baud:
                servo.hear(now_ns)

    def trip_watchdogs(self, now_ns: int | None = None) -> None:
        """Stop every servo whose silence has lasted too long, by now or by an earlier time."""
        now_ns = self._clock.now_ns() if now_ns is None else now_ns
        for servo in self.servos.values():
            due_ns = servo.watchdog_due_ns()
            if due_ns is not None and due_ns <= now_ns:
                servo.trip_watchdog()
                self._ledger.watchdog_trips += 1

    def next_trip_ns(self) -> int | None:
        """When `trip_watchdogs` has something to do unless a packet comes."""
        return min(
            (due for servo in self.servos.values() if (due := servo.watchdog_due_ns()) is not None), default=None
        )

    def _answer_one(self, servos: Sequence[EmulatedServo], frame: Frame) -> list[Answer]:
        delays = [_delay_us(servo) for servo in servos]
        statuses = [carry_out(servo, frame, self._write) for servo in servos]
        packets = [status.encode() for status in statuses if status is not None]
        if not packets:
            return []
        together = bytes(reduce(and_, column) for column in zip_longest(*packets, fillvalue=0xFF))
        return [Answer(together, max(delays))]

    def _answer_broadcast(self, frame: Frame, hearing: Sequence[EmulatedServo]) -> list[Answer]:
        """Everybody obeys; only a ping is answered, in the order of the ids."""
        in_order = sorted(hearing, key=lambda servo: servo.servo_id)
        if frame.opcode != Opcode.PING:
            for servo in in_order:
                obey_broadcast(servo, frame, self._write)
            return []
        return [Answer(ping(servo).encode(), _delay_us(servo)) for servo in in_order]

    def _answer_group(self, frame: Frame, hearing: Sequence[EmulatedServo]) -> list[Answer]:
        if frame.opcode in GROUP_WRITES:
            for servo_id, address, data in writes_of(frame):
                for servo in hearing:
                    if servo_id == servo.servo_id or servo.in_group(servo_id):
                        self._write(servo, address, data, frame.raw)
            return []
        questions, fast = reads_of(frame), frame.opcode in FAST_READS
        asked = self._reachable(questions, hearing, fast)
        delays = [_delay_us(servo) for servo in asked]
        pairs = zip(asked, questions, strict=False)
        statuses = [read(servo, question.address, question.size) for servo, question in pairs]
        if not fast:
            return [Answer(status.encode(), delay) for status, delay in zip(statuses, delays, strict=True)]
        sizes = [question.size for question in questions]
        packet = encode_fast_answer(statuses, sizes)
        return [Answer(packet, max(delays), block_ends(sizes[: len(statuses) - 1]))] if statuses else []

    def _reachable(
        self, questions: Sequence[Question], hearing: Sequence[EmulatedServo], fast: bool
    ) -> list[EmulatedServo]:
        """Who answers: everybody up to the first one that is missing or keeps silent."""
        by_id, asked = {servo.servo_id: servo for servo in hearing}, []
        for question in questions:
            servo = by_id.get(question.servo_id)
            silent = servo is None or servo[r.STATUS_RETURN_LEVEL] < LEVEL_READS
            if servo is None or silent or (fast and not servo.knows_fast_sync_read):
                break
            asked.append(servo)
        return asked

    def _write(self, servo: EmulatedServo, address: int, data: bytes, packet: bytes) -> Refusal:
        refusal = servo.write(address, data)
        start = r.GOAL_POSITION.address - address
        if 0 <= start <= len(data) - r.GOAL_POSITION.size:
            tick = r.GOAL_POSITION.decode(data[start : start + r.GOAL_POSITION.size])
            self._note_goal(servo, tick, not refusal, packet)
        return refusal

    def _note_goal(self, servo: EmulatedServo, tick: int, accepted: bool, packet: bytes) -> None:
        record = GoalRecord(self._clock.now_ns(), servo.spec.servo_id, tick, accepted, servo.stands_at(), packet)
        self._ledger.goals.append(record)
        if not servo.spec.low_tick <= tick <= servo.spec.high_tick:
            self._ledger.limits_violated += 1


def _delay_us(servo: EmulatedServo) -> int:
    return servo[r.RETURN_DELAY] * DELAY_UNIT_US

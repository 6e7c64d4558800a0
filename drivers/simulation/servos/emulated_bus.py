"""Several emulated servos on one wire: instruction packets in, status packets out. No port, no thread."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.fast_sync_read import encode_fast_answer
from libra_edge.drivers.dynamixel.frame import Frame, Status
from libra_edge.drivers.dynamixel.instruction_set import ALERT_BIT, BROADCAST_ID, Opcode, Refusal
from libra_edge.drivers.simulation.servos.emulated_servo import EmulatedServo
from libra_edge.drivers.simulation.servos.ledger import GoalRecord, Ledger
from libra_edge.protocols import Clock

LEVEL_READS = 1
LEVEL_ALL = 2
WORD_PAIR = 4


class EmulatedBus:
    """Answers as the servos would, keeps the ledger.

    In a sync read a servo answers when it has seen the one before it: a missing servo silences those behind it.
    """

    def __init__(self, servos: Mapping[int, EmulatedServo], clock: Clock, ledger: Ledger) -> None:
        self.servos = servos
        self._clock = clock
        self._ledger = ledger

    def answer(self, frame: Frame) -> list[bytes]:
        """The packets that one instruction causes, in the order of the wire."""
        if frame.opcode == Opcode.STATUS:
            return []
        now_ns = self._clock.now_ns()
        self._ledger.packets += 1
        for servo in self.servos.values():
            servo.hear(now_ns)
        if frame.opcode in {Opcode.SYNC_READ, Opcode.FAST_SYNC_READ, Opcode.SYNC_WRITE}:
            return self._answer_all(frame) if frame.servo_id == BROADCAST_ID else []
        addressed = self.servos.values() if frame.servo_id == BROADCAST_ID else [self.servos.get(frame.servo_id)]
        statuses = [self._answer_one(servo, frame) for servo in addressed if servo is not None]
        if frame.servo_id == BROADCAST_ID and frame.opcode != Opcode.PING:
            return []
        return [status.encode() for status in statuses if status is not None]

    def trip_watchdogs(self) -> None:
        """Stop every servo whose silence has lasted too long."""
        now_ns = self._clock.now_ns()
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

    def _answer_one(self, servo: EmulatedServo, frame: Frame) -> Status | None:
        level = servo[r.STATUS_RETURN_LEVEL]
        if frame.opcode == Opcode.PING:
            return _status(servo, servo.read(r.MODEL_NUMBER.address, 2), bytes([servo.spec.firmware]))
        if frame.opcode == Opcode.READ:
            return self._read(servo, frame.parameters) if level >= LEVEL_READS else None
        status = self._do(servo, frame)
        return status if level >= LEVEL_ALL else None

    def _do(self, servo: EmulatedServo, frame: Frame) -> Status:
        if frame.opcode == Opcode.REBOOT:
            servo.reboot()
            return _status(servo, b"")
        if frame.opcode != Opcode.WRITE:
            return _status(servo, None, refusal=Refusal.INSTRUCTION)
        if len(frame.parameters) <= 2:
            return _status(servo, None, refusal=Refusal.LENGTH)
        address = int.from_bytes(frame.parameters[:2], "little")
        return _status(servo, b"", refusal=self._write(servo, address, frame.parameters[2:], frame.raw))

    def _read(self, servo: EmulatedServo, parameters: bytes) -> Status:
        if len(parameters) != WORD_PAIR:
            return _status(servo, None, refusal=Refusal.LENGTH)
        return _status(servo, servo.read(*struct.unpack("<HH", parameters)))

    def _answer_all(self, frame: Frame) -> list[bytes]:
        if len(frame.parameters) < WORD_PAIR:
            return []
        address, size = struct.unpack("<HH", frame.parameters[:WORD_PAIR])
        rest = frame.parameters[WORD_PAIR:]
        if frame.opcode == Opcode.SYNC_WRITE:
            self._sync_write(address, size, rest, frame.raw)
            return []
        fast = frame.opcode == Opcode.FAST_SYNC_READ
        statuses = []
        for servo_id in rest:
            servo = self.servos.get(servo_id)
            if servo is None or (fast and not servo.knows_fast_sync_read):
                break
            statuses.append(_status(servo, servo.read(address, size)))
        if fast:
            return [encode_fast_answer(statuses, len(rest))] if statuses else []
        return [status.encode() for status in statuses]

    def _sync_write(self, address: int, size: int, blocks: bytes, packet: bytes) -> None:
        for start in range(0, len(blocks) - size, size + 1):
            servo = self.servos.get(blocks[start])
            if servo is not None:
                self._write(servo, address, blocks[start + 1 : start + 1 + size], packet)

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


def _status(servo: EmulatedServo, data: bytes | None, more: bytes = b"", refusal: Refusal = Refusal.NONE) -> Status:
    """An answer with the alert bit where it belongs; no data means that the table has no such address."""
    if data is None and not refusal:
        refusal = Refusal.ACCESS
    error = refusal | (ALERT_BIT if servo.alert else 0)
    return Status(servo.spec.servo_id, error, b"" if refusal else (data or b"") + more)

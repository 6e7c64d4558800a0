"""Reads position, velocity and current of all servos in one cycle, and keeps account of who is silent since when."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.async_bus import Answers
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.frame import Status

STATE = struct.Struct("<hii")
"""Registers 126, 128 and 132."""
STATE_ADDRESS = r.PRESENT_CURRENT.address
STATE_BYTES = STATE.size


class StateReader:
    """The silent are asked last: in a sync read a servo answers when it has seen the one before it.

    They take turns at being asked first among themselves, so that those behind a missing one are found. Who was
    silent in the last read is asked once, not twice: a cable that has come off must not cost every cycle two waits.

    Attributes:
        fast: whether all are asked by a fast sync read.
        silent_since_ns: servo id -> monotonic time of the first read that it did not answer.
    """

    def __init__(self, bus: Bus, servo_ids: Sequence[int]) -> None:
        self.fast = True
        self.silent_since_ns: dict[int, int] = {}
        self._bus = bus
        self._ids = servo_ids
        self._order = list(servo_ids)

    def probe(self) -> bool:
        """Whether the fast sync read is answered; it is used from now on if so. Raises PortError."""
        self.fast = self._bus.answers_fast_sync_read(self._ids, STATE_ADDRESS, STATE_BYTES)
        return self.fast

    def read(self) -> Answers:
        """One status a servo that answers. Raises PortError."""
        asked_ns = time.monotonic_ns()
        answers = self._bus.sync_read_some(
            self._order, STATE_ADDRESS, STATE_BYTES, fast=self.fast, silent=self.silent_since_ns
        )
        if answers.fault is None and not self.silent_since_ns:
            return answers
        silent = [servo_id for servo_id in self._order if servo_id not in answers.statuses]
        self.silent_since_ns = {servo_id: self.silent_since_ns.get(servo_id, asked_ns) for servo_id in silent}
        answered = [servo_id for servo_id in self._ids if servo_id in answers.statuses]
        self._order = [*answered, *silent[1:], *silent[:1]]
        return answers


def values_in(status: Status) -> tuple[int, int, int]:
    """Current or load, velocity, position, in register units."""
    current, velocity, position = STATE.unpack(status.parameters)
    return current, velocity, position

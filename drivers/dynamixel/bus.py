"""The bus for a thread without an event loop: each call steps through `AsyncBus` until it is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager

from libra_edge.drivers.dynamixel.answer_delay import AnswerDelay
from libra_edge.drivers.dynamixel.async_bus import Answers, AsyncBus, Identity
from libra_edge.drivers.dynamixel.bus_counts import BusCounts
from libra_edge.drivers.dynamixel.frame import Status
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.dynamixel.servo_model import ServoModel


class Bus:
    """What `AsyncBus` does, blocking; used from one thread."""

    def __init__(
        self,
        port: SerialPort,
        answer_margin_s: float = 0.03,
        attempts: int = 2,
        models: Mapping[int, ServoModel] | None = None,
    ) -> None:
        """See `AsyncBus`."""
        self.port = port
        self._bus = AsyncBus(port, answer_margin_s, attempts, models)

    @property
    def counts(self) -> BusCounts:
        """What went wrong so far."""
        return self._bus.counts

    @property
    def repeated(self) -> int:
        """How many instructions had to be repeated so far."""
        return self._bus.counts.repeated

    @property
    def answer_margin_s(self) -> float:
        """What driver, adapter and servo may take beyond the bytes' time on the wire."""
        return self._bus.answer_margin_s

    @answer_margin_s.setter
    def answer_margin_s(self, seconds: float) -> None:
        self._bus.answer_margin_s = seconds

    def within(self, seconds: float, attempts: int, delay: AnswerDelay | None = None) -> AbstractContextManager[None]:
        """See `AsyncBus.within`."""
        return self._bus.within(seconds, attempts, delay)

    def ping(self, servo_id: int) -> Identity:
        """Model and firmware. Raises BusError."""
        return self.port.wait_for(self._bus.ping(servo_id))

    def reboot(self, servo_id: int) -> None:
        """Restart one servo: torque, RAM registers and turn count are lost. Raises BusError."""
        self.port.wait_for(self._bus.reboot(servo_id))

    def read(self, servo_id: int, register: Register) -> int:
        """One register of one servo. Raises BusError (RegisterError if its model has none there)."""
        return self.port.wait_for(self._bus.read(servo_id, register))

    def read_block(self, servo_id: int, address: int, size: int) -> Status:
        """`size` bytes of one servo. Raises BusError."""
        return self.port.wait_for(self._bus.read_block(servo_id, address, size))

    def write(self, servo_id: int, register: Register, value: int) -> None:
        """One register of one servo. Raises BusError (ServoError if the servo refuses, RegisterError if it would)."""
        self.port.wait_for(self._bus.write(servo_id, register, value))

    def sync_read(self, servo_ids: Sequence[int], address: int, size: int, *, fast: bool = False) -> dict[int, Status]:
        """`size` bytes from each servo, in one packet for all if `fast`. Raises BusError."""
        return self.port.wait_for(self._bus.sync_read(servo_ids, address, size, fast=fast))

    def sync_read_some(
        self, servo_ids: Sequence[int], address: int, size: int, *, fast: bool = False, silent: Collection[int] = ()
    ) -> Answers:
        """See `AsyncBus.sync_read_some`. Raises PortError."""
        return self.port.wait_for(self._bus.sync_read_some(servo_ids, address, size, fast=fast, silent=silent))

    def answers_fast_sync_read(self, servo_ids: Sequence[int], address: int, size: int) -> bool:
        """Whether these servos know the fast sync read. Raises PortError."""
        return self.port.wait_for(self._bus.answers_fast_sync_read(servo_ids, address, size))

    def sync_write(self, register: Register, values: Mapping[int, int]) -> None:
        """One register of many servos; nothing answers. Raises BusError."""
        self._bus.sync_write(register, values)

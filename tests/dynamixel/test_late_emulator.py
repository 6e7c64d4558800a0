"""An emulator that is late itself, on a machine with too much to do: that is no silence of the host."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from libra_edge.clock import SimulatedClock
from libra_edge.drivers.dynamixel import instructions
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.dynamixel.servo_model import WATCHDOG_TRIPPED, WATCHDOG_UNIT_MS
from libra_edge.drivers.simulation.servos import servo_bus_emulator
from libra_edge.drivers.simulation.servos.plant import KinematicPlant
from libra_edge.drivers.simulation.servos.pseudo_terminal import PseudoTerminal
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import rest_ticks, specs_of
from tests.dynamixel.bench import IDS, PATIENCE_S, ROBOT

UNITS = 5
TOO_LONG_NS = 2 * UNITS * WATCHDOG_UNIT_MS * 1_000_000


class WholeTerminal(PseudoTerminal):
    """Has what was sent to it when it is asked: the kernel may still be carrying it."""

    due = 0

    def receive(self, timeout_s: float | None) -> bytes:
        data = b"" if self.due else super().receive(timeout_s)
        while len(data) < self.due:
            came = super().receive(PATIENCE_S)
            assert came, f"{self.due - len(data)} bytes never came"
            data += came
        self.due = 0
        return data


@dataclass(frozen=True, slots=True)
class Late:
    """Servos under torque with armed watchdogs, and a host; the test decides when the emulator looks."""

    emulator: ServoBusEmulator
    terminal: WholeTerminal
    port: SerialPort
    clock: SimulatedClock

    def send(self, packet: bytes) -> None:
        self.port.send(packet)
        self.terminal.due += len(packet)

    def look_too_late(self) -> list[int]:
        """What stands in the watchdogs then."""
        self.clock.advance(TOO_LONG_NS)
        self.emulator.serve(0.0)
        return self.watchdogs()

    def watchdogs(self) -> list[int]:
        return [self.emulator.peek(servo_id, r.BUS_WATCHDOG) for servo_id in IDS]


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Iterator[Late]:
    clock, terminal = SimulatedClock(), WholeTerminal()
    monkeypatch.setattr(servo_bus_emulator, "PseudoTerminal", lambda: terminal)
    emulator = ServoBusEmulator(specs_of(ROBOT), KinematicPlant(clock, rest_ticks(ROBOT)), clock)
    made = Late(emulator, terminal, SerialPort(emulator.port, ROBOT.bus.baud), clock)
    made.port.open()
    for servo_id in IDS:
        for register, value in ((r.BUS_WATCHDOG, UNITS), (r.TORQUE_ENABLE, 1)):
            made.send(instructions.write(servo_id, register.address, bytes([value])).encode())
    emulator.serve(0.0)
    assert made.watchdogs() == [UNITS] * len(IDS)
    yield made
    made.port.close()
    emulator.stop()


def test_what_was_said_in_time_is_heard_however_late_it_is_looked_at(late: Late) -> None:
    late.send(instructions.ping(IDS[0]).encode())
    assert late.look_too_late() == [UNITS] * len(IDS)


def test_silence_is_silence(late: Late) -> None:
    assert late.look_too_late() == [WATCHDOG_TRIPPED] * len(IDS)


def test_noise_is_silence(late: Late) -> None:
    late.send(b"\xff\xff\xfd\x00")
    assert late.look_too_late() == [WATCHDOG_TRIPPED] * len(IDS)


def test_what_was_said_while_it_answered_is_heard_however_long_that_took(late: Late) -> None:
    def stopped(packet: bytes) -> bytes:
        late.clock.advance(TOO_LONG_NS)
        return packet

    late.emulator.transmit = stopped
    late.send(instructions.ping(IDS[0]).encode())
    late.emulator.serve(0.0)
    late.emulator.transmit = bytes
    late.send(instructions.ping(IDS[0]).encode())
    late.emulator.serve(0.0)
    assert late.watchdogs() == [UNITS] * len(IDS)


class SleepingTimer(threading.Timer):
    """Its thread never runs."""

    def start(self) -> None:
        pass


def test_nothing_overtakes_a_delayed_packet_once_it_is_due(late: Late, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Timer", SleepingTimer)
    late.emulator.send_later(b"delayed", 0.0)
    late.emulator.send_later(b"not due", 1000.0)
    late.emulator.send(b" last")
    came = b""
    while not came.endswith(b" last") and select.select([late.port.fileno()], [], [], PATIENCE_S)[0]:
        came += late.port.take()
    assert came.endswith(b"delayed last")

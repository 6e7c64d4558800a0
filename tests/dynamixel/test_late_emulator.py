"""An emulator that is late itself, on a machine with too much to do: that is no silence of the host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from libra_edge.clock import SimulatedClock
from libra_edge.drivers.dynamixel import instructions
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.dynamixel.servo_model import WATCHDOG_TRIPPED, WATCHDOG_UNIT_MS
from libra_edge.drivers.simulation.servos.plant import KinematicPlant
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import rest_ticks, specs_of
from tests.dynamixel.bench import IDS, ROBOT

UNITS = 5
TOO_LONG_NS = 2 * UNITS * WATCHDOG_UNIT_MS * 1_000_000


@dataclass(frozen=True, slots=True)
class Late:
    """Servos under torque with armed watchdogs, and a host; the test decides when the emulator looks."""

    emulator: ServoBusEmulator
    port: SerialPort
    clock: SimulatedClock

    def look_too_late(self) -> list[int]:
        """What stands in the watchdogs then."""
        self.clock.advance(TOO_LONG_NS)
        self.emulator.serve(0.0)
        return self.watchdogs()

    def watchdogs(self) -> list[int]:
        return [self.emulator.peek(servo_id, r.BUS_WATCHDOG) for servo_id in IDS]


@pytest.fixture
def late() -> Iterator[Late]:
    clock = SimulatedClock()
    emulator = ServoBusEmulator(specs_of(ROBOT), KinematicPlant(clock, rest_ticks(ROBOT)), clock)
    port = SerialPort(emulator.port, ROBOT.bus.baud)
    port.open()
    for servo_id in IDS:
        for register, value in ((r.BUS_WATCHDOG, UNITS), (r.TORQUE_ENABLE, 1)):
            port.send(instructions.write(servo_id, register.address, bytes([value])).encode())
    emulator.serve(0.0)
    made = Late(emulator, port, clock)
    assert made.watchdogs() == [UNITS] * len(IDS)
    yield made
    port.close()
    emulator.stop()


def test_what_was_said_in_time_is_heard_however_late_it_is_looked_at(late: Late) -> None:
    late.port.send(instructions.ping(IDS[0]).encode())
    assert late.look_too_late() == [UNITS] * len(IDS)


def test_silence_is_silence(late: Late) -> None:
    assert late.look_too_late() == [WATCHDOG_TRIPPED] * len(IDS)


def test_noise_is_silence(late: Late) -> None:
    late.port.send(b"\xff\xff\xfd\x00")
    assert late.look_too_late() == [WATCHDOG_TRIPPED] * len(IDS)

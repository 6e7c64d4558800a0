"""A bench for tests: emulated servos behind a pseudo-terminal, with every answer in reach of a fault."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.koch_arm import KochArm
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.simulation.servos.packet_faults import Transmit
from libra_edge.drivers.simulation.servos.plant import KinematicPlant, ServoMeasurement, ServoPlant
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import ServoSpec, rest_ticks, specs_of
from libra_edge.robot import Robot, open_robot

ROBOT = open_robot("koch-sim")
IDS = [joint.id for joint in ROBOT.joint]
PATIENCE_S = 60.0
"""For what must happen; costs nothing when it does."""


ONE_TICK = 2.0 * math.pi / 4096.0
"""rad"""


def with_watchdog(milliseconds: int) -> Robot:
    """The robot with servos that bear that much silence."""
    return ROBOT.model_copy(update={"bus": ROBOT.bus.model_copy(update={"watchdog_ms": milliseconds})})


UNHURRIED = with_watchdog(2540)


@dataclass(slots=True)
class SwitchedTransmit:
    """Hands every status packet to `fault`, which a test may change at any time."""

    fault: Transmit = bytes

    def __call__(self, packet: bytes) -> bytes:
        return self.fault(packet)


@dataclass(slots=True)
class StillPlant:
    """Servos that never move from the measurement given; notes what they are told."""

    measurement: ServoMeasurement
    orders: list[tuple[str, int]]

    def set_torque(self, servo_id: int, on: bool) -> None:
        self.orders.append((f"torque {'on' if on else 'off'}", servo_id))

    def set_goal(self, servo_id: int, tick: int, profile_velocity: float, profile_acceleration: float = 0.0) -> None:
        self.orders.append((f"goal {tick} at {profile_velocity}", servo_id))

    def stop(self, servo_id: int) -> None:
        self.orders.append(("stop", servo_id))

    def measure(self, servo_id: int) -> ServoMeasurement:
        return self.measurement


def kinematic_plant(robot: Robot = ROBOT) -> KinematicPlant:
    """Six servos in the rest pose on the real clock."""
    return KinematicPlant(MonotonicClock(), rest_ticks(robot))


@contextmanager
def emulated(
    transmit: Transmit = bytes,
    specs: Iterable[ServoSpec] = specs_of(ROBOT),
    plant: ServoPlant | None = None,
    baud: int = 1_000_000,
) -> Iterator[ServoBusEmulator]:
    """A running emulator of the Koch arm."""
    with ServoBusEmulator(tuple(specs), plant or kinematic_plant(), baud=baud, transmit=transmit) as emulator:
        yield emulator


@contextmanager
def bus_on(emulator: ServoBusEmulator, answer_margin_s: float = PATIENCE_S, attempts: int = 1) -> Iterator[Bus]:
    """A bus on the emulator's port."""
    port = SerialPort(emulator.port, 1_000_000)
    port.open()
    try:
        yield Bus(port, answer_margin_s, attempts)
    finally:
        port.close()


@contextmanager
def opened(
    emulator: ServoBusEmulator, robot: Robot = UNHURRIED, answer_margin_s: float = PATIENCE_S
) -> Iterator[KochArm]:
    arm = KochArm(robot, emulator.port, answer_margin_s=answer_margin_s)
    arm.open()
    try:
        yield arm
    finally:
        arm.close()


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as it holds. Raises AssertionError if it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)

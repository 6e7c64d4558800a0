"""What can happen to emulated servos while a host drives them. Safe from any thread."""

from __future__ import annotations

from collections.abc import Iterable

from libra_edge.drivers.simulation.servos.emulated_servo import EmulatedServo
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator


def take_out(emulator: ServoBusEmulator, servo_ids: Iterable[int]) -> dict[int, EmulatedServo]:
    """They hear and answer nothing until they are put back: a loose cable. Returns those that were there."""
    with emulator.servos() as servos:
        return {servo_id: servos.pop(servo_id) for servo_id in servo_ids if servo_id in servos}


def put_back(emulator: ServoBusEmulator, taken: dict[int, EmulatedServo]) -> None:
    """They are there again, each in its place on the wire."""
    with emulator.servos() as servos:
        together = sorted({**servos, **taken}.items())
        servos.clear()
        servos.update(together)


def restart(emulator: ServoBusEmulator, servo_ids: Iterable[int]) -> None:
    """As after power-on: RAM registers, torque and turn count are lost."""
    with emulator.servos() as servos:
        for servo_id in servo_ids:
            if servo_id in servos:
                servos[servo_id].reboot()


def trip_watchdogs(emulator: ServoBusEmulator, servo_ids: Iterable[int]) -> None:
    """Their bus watchdogs trip."""
    with emulator.servos() as servos:
        for servo_id in servo_ids:
            if servo_id in servos:
                servos[servo_id].trip_watchdog()


def raise_errors(emulator: ServoBusEmulator, servo_ids: Iterable[int], error: int) -> None:
    """Bits of register 70 stand in them from now on, until a reboot."""
    with emulator.servos() as servos:
        for servo_id in servo_ids:
            if servo_id in servos:
                servos[servo_id].raise_hardware_error(error)

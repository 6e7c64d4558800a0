"""Brings one servo from whatever it was into the state that its settings ask for."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from libra_edge.drivers.dynamixel import hardware_error
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.async_bus import Identity
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.servo_model import NAME_OF_NUMBER
from libra_edge.drivers.dynamixel.servo_settings import ServoSettings
from libra_edge.errors import BusError, ConfigError, HardwareAlertError, NoAnswerError

logger = logging.getLogger(__name__)

OVERLOAD = 1 << hardware_error.NAMES["overload"]
RESTART_PINGS = 20
"""Each is awaited for 30 ms or more, three times; a servo is back after some 300 ms."""
REVERSE_BIT = 0b0001
"""The one bit of the drive mode that is left as found: zero and sign were measured with it."""


def check_model(bus: Bus, servo: ServoSettings) -> Identity:
    """Ping; what it answers. Raises ConfigError for another model than the robot file's, BusError if none answers."""
    identity = bus.ping(servo.servo_id)
    number = identity.model_number
    if number != servo.model.number:
        found = NAME_OF_NUMBER.get(number, "an unknown model")
        raise ConfigError(f"{servo.label} is {found} (number {number}), the robot file says {servo.model.name}")
    return identity


def check_health(bus: Bus, servo: ServoSettings) -> None:
    """Raises HardwareAlertError if a hardware error stands in the servo."""
    error = bus.read(servo.servo_id, r.HARDWARE_ERROR)
    if error:
        raise standing_error(servo, error)


def check_homing(bus: Bus, servo: ServoSettings) -> None:
    """Raises ConfigError for another homing offset than the one that the joint's zero was measured with."""
    if servo.homing_offset is None:
        return
    found = bus.read(servo.servo_id, r.HOMING_OFFSET)
    if found != servo.homing_offset:
        raise ConfigError(
            f"{servo.label} holds homing offset {found}, zero_tick in the robot file was measured with "
            f"{servo.homing_offset}: it was calibrated since, measure again with `libra-edge calibrate arm --zero`"
        )


def standing_error(servo: ServoSettings, error: int) -> HardwareAlertError:
    """The error for a hardware error status that is not 0."""
    advice = "it gives no torque until it is rebooted: find the cause, then switch the arm's power off and on"
    return HardwareAlertError(servo.servo_id, error, f"{hardware_error.describe(error)} at {servo.joint}; {advice}")


def torque_off_everywhere(bus: Bus, servos: Iterable[ServoSettings]) -> None:
    """Torque off on every servo that can be reached, even if some cannot. Raises BusError afterwards, for these."""
    failures = []
    for servo in servos:
        try:
            bus.write(servo.servo_id, r.TORQUE_ENABLE, 0)
        except BusError as error:
            failures.append(f"{servo.label}: {error}")
    if failures:
        raise BusError(f"torque may still be on: {'; '.join(failures)}")


def restart(bus: Bus, servo: ServoSettings) -> None:
    """Reboot, and wait until it answers again. Raises BusError."""
    bus.reboot(servo.servo_id)
    for left in range(RESTART_PINGS, -1, -1):
        try:
            bus.ping(servo.servo_id)
        except NoAnswerError:
            if not left:
                raise
        else:
            return


def configure(bus: Bus, servo: ServoSettings) -> None:
    """Torque off, then every register the arm relies on. Raises BusError."""
    bus.write(servo.servo_id, r.TORQUE_ENABLE, 0)
    drive_mode = bus.read(servo.servo_id, r.DRIVE_MODE)
    _write_if_other(bus, servo, r.DRIVE_MODE, drive_mode & REVERSE_BIT)
    _write_if_other(bus, servo, r.RETURN_DELAY, 0)
    _write_if_other(bus, servo, r.OPERATING_MODE, servo.mode)
    if servo.pwm_limit is not None:
        _write_if_other(bus, servo, r.PWM_LIMIT, servo.pwm_limit)
    write_volatile(bus, servo)


def write_volatile(bus: Bus, servo: ServoSettings) -> None:
    """Watchdog off, then `volatile_orders`. Raises BusError."""
    bus.write(servo.servo_id, r.BUS_WATCHDOG, 0)
    for register, value in volatile_orders(servo):
        bus.write(servo.servo_id, register, value)


def volatile_orders(servo: ServoSettings) -> list[tuple[Register, int]]:
    """The RAM registers, which a reboot, a mode switch or a tripped watchdog resets, and what belongs in them."""
    orders = list(zip((r.POSITION_P, r.POSITION_I, r.POSITION_D), servo.pid, strict=True))
    if servo.goal_current is not None:
        orders.append((r.GOAL_CURRENT, servo.goal_current))
    return [*orders, (r.PROFILE_ACCELERATION, 0), (r.PROFILE_VELOCITY, servo.profile_velocity)]


def _write_if_other(bus: Bus, servo: ServoSettings, register: Register, value: int) -> None:
    """EEPROM wears out: write only what differs, and say so."""
    found = bus.read(servo.servo_id, register)
    if found != value:
        logger.info("%s: %s %d -> %d", servo.label, register.name, found, value)
        bus.write(servo.servo_id, register, value)

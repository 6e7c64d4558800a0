"""What one count of a register is worth, per model (ROBOTIS e-Manual, column "Unit" of the control tables)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.servo_model import XL430_W250, ServoModel


@dataclass(frozen=True, slots=True)
class Unit:
    """One count is `scale` of `symbol`."""

    symbol: str
    scale: float


PLAIN = Unit("", 1.0)
TICK = Unit("deg", 360.0 / 4096.0)
VELOCITY = Unit("rpm", 0.229)
PWM = Unit("%", 0.113)
CURRENT = Unit("mA", 1.0)
LOAD = Unit("%", 0.1)
VOLTAGE = Unit("V", 0.1)
TEMPERATURE = Unit("C", 1.0)

COMMON: Mapping[Register, Unit] = {
    r.RETURN_DELAY: Unit("us", 2.0),
    r.HOMING_OFFSET: TICK,
    r.TEMPERATURE_LIMIT: TEMPERATURE,
    r.MAX_VOLTAGE: VOLTAGE,
    r.MIN_VOLTAGE: VOLTAGE,
    r.PWM_LIMIT: PWM,
    r.CURRENT_LIMIT: CURRENT,
    r.VELOCITY_LIMIT: VELOCITY,
    r.MAX_POSITION: TICK,
    r.MIN_POSITION: TICK,
    r.BUS_WATCHDOG: Unit("ms", 20.0),
    r.GOAL_PWM: PWM,
    r.GOAL_CURRENT: CURRENT,
    r.GOAL_VELOCITY: VELOCITY,
    r.PROFILE_ACCELERATION: Unit("rpm/min", 214.577),
    r.PROFILE_VELOCITY: VELOCITY,
    r.GOAL_POSITION: TICK,
    r.PRESENT_CURRENT: CURRENT,
    r.PRESENT_VELOCITY: VELOCITY,
    r.PRESENT_POSITION: TICK,
    r.PRESENT_VOLTAGE: VOLTAGE,
    r.PRESENT_TEMPERATURE: TEMPERATURE,
}
OWN: Mapping[str, Mapping[Register, Unit]] = {XL430_W250.name: {r.PRESENT_CURRENT: LOAD}}


def unit_of(model: ServoModel, register: Register) -> Unit:
    """Of a register that counts nothing physical, a plain number. Raises KeyError for one that the model lacks."""
    model.initial(register)
    return OWN.get(model.name, {}).get(register) or COMMON.get(register, PLAIN)

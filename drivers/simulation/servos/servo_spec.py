"""Which servos an emulated bus has, and the limits its ledger judges goal positions by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.servo_model import MODELS, ServoModel
from libra_edge.robot import TICKS_PER_TURN, JointSection, Robot

DEFAULT_FIRMWARE = 52


@dataclass(frozen=True, slots=True)
class ServoSpec:
    """One servo.

    Attributes:
        low_tick, high_tick: what counts as within limits, both ends included.
        eeprom: registers that differ from a servo as shipped.
    """

    servo_id: int
    model: ServoModel
    low_tick: int
    high_tick: int
    firmware: int = DEFAULT_FIRMWARE
    eeprom: Mapping[Register, int] = field(default_factory=dict)


def specs_of(robot: Robot) -> tuple[ServoSpec, ...]:
    """The servos of a robot file, in its order, set up as an earlier run would have left them.

    The limits are worked out here, not by the code that sends goals.
    """
    return tuple(_spec_of(joint) for joint in robot.joint)


def rest_ticks(robot: Robot) -> dict[int, int]:
    """Servo id -> where it stands in the rest pose."""
    return {joint.id: round(_tick_at(joint, joint.rest_deg)) for joint in robot.joint}


def _spec_of(joint: JointSection) -> ServoSpec:
    ends = sorted(_tick_at(joint, degrees) for degrees in (joint.low_deg, joint.high_deg))
    eeprom = {r.RETURN_DELAY: 0, r.OPERATING_MODE: joint.mode}
    return ServoSpec(joint.id, MODELS[joint.servo], math.floor(ends[0]), math.ceil(ends[1]), eeprom=eeprom)


def _tick_at(joint: JointSection, degrees: float) -> float:
    return joint.zero_tick + joint.sign * degrees / 360.0 * TICKS_PER_TURN

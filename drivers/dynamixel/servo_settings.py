"""What each servo of a robot file is to be set to."""

from __future__ import annotations

import math
from dataclasses import dataclass

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.servo_model import MODELS, VELOCITY_UNIT_RPM, ServoModel
from libra_edge.errors import ConfigError
from libra_edge.robot import JointSection, Robot

PROFILE_MARGIN = 1.25
"""The servo's own velocity limit stands this far above the governor's, so that only one of them is felt."""
DEGREES_A_SECOND = VELOCITY_UNIT_RPM * 6.0
CURRENT_BASED_POSITION = 5


@dataclass(frozen=True, slots=True)
class ServoSettings:
    """Registers of one servo. `pid` is (P, I, D); None for `pwm_limit`, `goal_current` or
    `homing_offset` leaves the servo's own, whatever it is.
    """

    joint: str
    servo_id: int
    model: ServoModel
    mode: int
    pid: tuple[int, int, int]
    profile_velocity: int
    pwm_limit: int | None
    goal_current: int | None
    homing_offset: int | None = None

    @property
    def label(self) -> str:
        """`servo 3 (elbow_flex)`."""
        return f"servo {self.servo_id} ({self.joint})"


def settings_of(robot: Robot) -> tuple[ServoSettings, ...]:
    """One record a joint, in file order. Raises ConfigError for what the servo cannot do."""
    return tuple(_settings_of(joint) for joint in robot.joint)


def _settings_of(joint: JointSection) -> ServoSettings:
    model = MODELS[joint.servo]
    if joint.mode not in model.modes:
        raise ConfigError(f"joint {joint.name!r}: a {model.name} has no operating mode {joint.mode}")
    if joint.goal_current_ma is not None and not model.has(r.GOAL_CURRENT):
        raise ConfigError(f"joint {joint.name!r}: a {model.name} cannot limit its current, remove goal_current_ma")
    if joint.current_fence_ma is not None and not model.has(r.GOAL_CURRENT):
        raise ConfigError(f"joint {joint.name!r}: a {model.name} does not measure current, remove current_fence_ma")
    if joint.mode == CURRENT_BASED_POSITION and joint.goal_current_ma is None:
        raise ConfigError(f"joint {joint.name!r}: mode 5 without goal_current_ma would grip with all its force")
    return ServoSettings(
        joint=joint.name,
        servo_id=joint.id,
        model=model,
        mode=joint.mode,
        pid=joint.pid or (model.initial(r.POSITION_P), model.initial(r.POSITION_I), model.initial(r.POSITION_D)),
        profile_velocity=math.ceil(joint.velocity_deg_s * PROFILE_MARGIN / DEGREES_A_SECOND),
        pwm_limit=joint.pwm_limit,
        goal_current=joint.goal_current_ma,
        homing_offset=joint.homing_offset,
    )

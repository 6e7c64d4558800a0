"""LeRobot's arm calibration: read and written as it is, used to narrow a robot's joint ranges.

The file maps joint names to servo id, drive mode, homing offset and the range swept by hand, in ticks of the servo's
present position (homing offset included, as the servo itself reports it). LeRobot's zero, the middle of the sweep, is
not used: kinematics needs the robot file's zero and sign.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from libra_edge.errors import ConfigError
from libra_edge.model_spec import Section
from libra_edge.robot import DEGREES_A_TICK, TICKS_PER_TURN, JointSection, Robot
from libra_edge.toml_file import MAX_BYTES, first_fault

logger = logging.getLogger(__name__)

LAST_TICK = TICKS_PER_TURN - 1
Ticks = Annotated[int, Field(ge=-1_048_575, le=1_048_575)]


class JointCalibration(Section):
    """One joint, ticks; both ends of the range are included."""

    id: Annotated[int, Field(ge=0, le=252)]
    drive_mode: Literal[0, 1]
    homing_offset: Annotated[int, Field(ge=-1_044_479, le=1_044_479)]
    range_min: Ticks
    range_max: Ticks

    @property
    def turns_all_round(self) -> bool:
        """Whether its range is a whole turn: what LeRobot writes unswept, which says nothing of the joint's ends."""
        return (self.range_min, self.range_max) == (0, LAST_TICK)

    @model_validator(mode="after")
    def _range_is_one(self) -> JointCalibration:
        if self.range_min >= self.range_max:
            raise ValueError(f"range_min {self.range_min} must lie below range_max {self.range_max}")
        return self


ArmCalibration = dict[str, JointCalibration]
SCHEMA: TypeAdapter[ArmCalibration] = TypeAdapter(ArmCalibration)


def read_arm_calibration(path: Path) -> ArmCalibration:
    """Read and validate LeRobot's file. Raises ConfigError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"calibration {path} is larger than {MAX_BYTES} bytes")
        return SCHEMA.validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"calibration {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise ConfigError(f"calibration {path} is not one that LeRobot writes: {first_fault(error)}") from error


def arm_calibration_bytes(calibration: ArmCalibration) -> bytes:
    """The file as LeRobot 0.4 writes it: JSON, four spaces, no line end behind it."""
    return json.dumps({name: joint.model_dump() for name, joint in calibration.items()}, indent=4).encode()


def check_same_joints(robot: Robot, calibration: ArmCalibration) -> None:
    """Raises ConfigError if joint names or servo ids differ."""
    if set(calibration) != set(robot.joint_names):
        raise ConfigError(
            f"the calibration is of joints {sorted(calibration)}, the robot has {sorted(robot.joint_names)}"
        )
    for joint in robot.joint:
        if joint.id != calibration[joint.name].id:
            raise ConfigError(
                f"joint {joint.name!r} is servo {joint.id} in the robot file, {calibration[joint.name].id} in the "
                "calibration"
            )


def apply_arm_calibration(robot: Robot, calibration: ArmCalibration) -> Robot:
    """The robot with every joint range cut down to what the calibration swept; never widened.

    Raises ConfigError if joints or servo ids differ, or if a swept range and the robot's have nothing in common.
    """
    check_same_joints(robot, calibration)
    joints = [_narrowed(joint, calibration[joint.name]) for joint in robot.joint]
    return Robot.model_validate({**robot.model_dump(), "joint": [joint.model_dump() for joint in joints]})


def _narrowed(joint: JointSection, calibration: JointCalibration) -> JointSection:
    if calibration.turns_all_round:
        return joint
    swept = sorted(_degrees_at(joint, tick) for tick in (calibration.range_min, calibration.range_max))
    low, high = max(joint.low_deg, swept[0]), min(joint.high_deg, swept[1])
    if low >= high:
        raise ConfigError(
            f"joint {joint.name!r}: the calibration swept {swept[0]:.1f}..{swept[1]:.1f} deg, the robot file allows "
            f"{joint.low_deg:.1f}..{joint.high_deg:.1f}: measure zero_tick and sign, or calibrate again"
        )
    rest = min(max(joint.rest_deg, low), high)
    if rest != joint.rest_deg:
        logger.warning(
            "joint %s: rest pose moved from %.1f to %.1f deg into the swept range", joint.name, joint.rest_deg, rest
        )
    return joint.model_copy(update={"low_deg": low, "high_deg": high, "rest_deg": rest})


def _degrees_at(joint: JointSection, tick: int) -> float:
    return (tick - joint.zero_tick) * joint.sign * DEGREES_A_TICK

"""The kinematic zero and sign of every joint of one arm, as measured: a JSON file, and the robot file that follows.

LeRobot's zero is the middle of a sweep. Kinematics, workspace guard and cameras need the zero of the robot file's pose.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from libra_edge.calibration.arm import Ticks
from libra_edge.drivers.dynamixel.limp_arm import ServoMemory, is_reversed
from libra_edge.errors import ArmCalibrationError, ConfigError
from libra_edge.model_spec import Name, Section
from libra_edge.robot import Robot
from libra_edge.toml_file import MAX_BYTES, first_fault


class JointZero(Section):
    """One joint.

    Attributes:
        id: of its servo.
        drive_mode, homing_offset: what the servo held meanwhile (bit 0, ticks); with others the zero is another one.
        zero_tick: present position at joint angle 0.
        sign: +1 if ticks grow with the joint angle, else -1.
    """

    id: Annotated[int, Field(ge=0, le=252)]
    drive_mode: Literal[0, 1]
    homing_offset: Annotated[int, Field(ge=-1_044_479, le=1_044_479)]
    zero_tick: Ticks
    sign: Literal[-1, 1]


class ArmZero(Section):
    """The file. `joints`: by joint name."""

    schema_version: Literal[1]
    robot: str
    joints: Annotated[dict[Name, JointZero], Field(min_length=1, max_length=32)]


def read_arm_zero(path: Path) -> ArmZero:
    """Read and validate the file. Raises ConfigError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"arm zero {path} is larger than {MAX_BYTES} bytes")
        return ArmZero.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"arm zero {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise ConfigError(
            f"arm zero {path} is not one that `calibrate arm --zero` writes: {first_fault(error)}"
        ) from error


def arm_zero_bytes(zero: ArmZero) -> bytes:
    """The file's content."""
    return zero.model_dump_json(indent=4).encode() + b"\n"


def apply_arm_zero(robot: Robot, zero: ArmZero) -> Robot:
    """The robot with the measured zeros, signs and homing offsets. Raises ConfigError if joints or ids differ."""
    if set(zero.joints) != set(robot.joint_names):
        raise ConfigError(f"the zero is of joints {sorted(zero.joints)}, the robot has {sorted(robot.joint_names)}")
    joints = []
    for joint in robot.joint:
        ours = zero.joints[joint.name]
        if ours.id != joint.id:
            raise ConfigError(f"joint {joint.name!r} is servo {joint.id} in the robot file, {ours.id} in the zero")
        changed = {"zero_tick": ours.zero_tick, "sign": ours.sign, "homing_offset": ours.homing_offset}
        joints.append(joint.model_dump() | changed)
    return Robot.model_validate({**robot.model_dump(), "joint": joints})


def check_zero_fit(zero: ArmZero, memory: Mapping[str, ServoMemory]) -> None:
    """Compare with what the servos hold, by joint name. Raises ArmCalibrationError."""
    for name, ours in zero.joints.items():
        held = memory[name]
        if (ours.homing_offset, ours.drive_mode) != (held.homing_offset, int(is_reversed(held.drive_mode))):
            raise ArmCalibrationError(
                f"servo {ours.id} ({name}) holds homing offset {held.homing_offset} and drive mode {held.drive_mode}, "
                f"its zero was measured with {ours.homing_offset} and {ours.drive_mode}: measure it again with "
                "`libra-edge calibrate arm --zero`"
            )

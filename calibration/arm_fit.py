"""Whether a calibration file and the servos of the arm speak of the same thing."""

from __future__ import annotations

from collections.abc import Mapping

from libra_edge.calibration.arm import LAST_TICK, ArmCalibration, JointCalibration, check_same_joints
from libra_edge.drivers.dynamixel.limp_arm import ServoMemory, is_reversed
from libra_edge.errors import ArmCalibrationError
from libra_edge.robot import TICKS_PER_TURN, JointSection, Robot

FOREIGN_TICKS = TICKS_PER_TURN // 4
"""A servo that stands this far outside its range has lost count of its turns; one that is nearer may truly be there."""
AGAIN = "calibrate again with `libra-edge calibrate arm`, or take the file that belongs to this arm"


def check_arm_fit(
    robot: Robot, calibration: ArmCalibration, memory: Mapping[str, ServoMemory], positions: Mapping[str, int]
) -> list[str]:
    """Compare with what the servos hold and where they stand, by joint name; what is odd but harmless, in sentences.

    Raises ConfigError for other joints or servo ids, ArmCalibrationError for the first thing that does not fit.
    """
    check_same_joints(robot, calibration)
    oddities = []
    for joint in robot.joint:
        ours, held = calibration[joint.name], memory[joint.name]
        _check_direction(joint, ours, held)
        _check_seam(joint, ours)
        _check_turns(joint, ours, positions[joint.name])
        oddities += _oddities(joint, ours, held)
    return oddities


def check_within_a_turn(label: str, low: int, high: int) -> None:
    """Raises ArmCalibrationError for a range that crosses the seam of the encoder, which no servo can hold."""
    if low < 0 or high > LAST_TICK:
        raise ArmCalibrationError(
            f"the range of {label}, {low} .. {high}, crosses the seam between tick {LAST_TICK} and 0, which a servo's "
            "own limits cannot: calibrate again and begin with this joint nearer to the middle of its range"
        )


def label_of(joint: JointSection) -> str:
    """`servo 3 (elbow_flex)`."""
    return f"servo {joint.id} ({joint.name})"


def _check_direction(joint: JointSection, ours: JointCalibration, held: ServoMemory) -> None:
    if ours.drive_mode != is_reversed(held.drive_mode):
        raise ArmCalibrationError(
            f"{label_of(joint)} has drive mode {held.drive_mode}, the calibration was made with "
            f"{ours.drive_mode} in bit 0, so that it counts the other way round: {AGAIN}"
        )
    if ours.homing_offset != held.homing_offset:
        raise ArmCalibrationError(
            f"{label_of(joint)} holds homing offset {held.homing_offset}, the calibration was made with "
            f"{ours.homing_offset}, so that the same tick is another pose: {AGAIN}"
        )


def _check_seam(joint: JointSection, ours: JointCalibration) -> None:
    check_within_a_turn(label_of(joint), ours.range_min, ours.range_max)


def _check_turns(joint: JointSection, ours: JointCalibration, position: int) -> None:
    outside = max(ours.range_min - position, position - ours.range_max)
    if outside > FOREIGN_TICKS:
        raise ArmCalibrationError(
            f"{label_of(joint)} stands at {position}, far outside the calibration's {ours.range_min} .. "
            f"{ours.range_max}: it has lost count of its turns, or the horn was moved; lead the joint into its range, "
            f"switch the arm's power off and on, and if that does not help {AGAIN}"
        )


def _oddities(joint: JointSection, ours: JointCalibration, held: ServoMemory) -> list[str]:
    found = []
    if (ours.range_min, ours.range_max) != (held.range_min, held.range_max):
        found.append(
            f"{label_of(joint)} holds limits {held.range_min} .. {held.range_max}, the calibration says "
            f"{ours.range_min} .. {ours.range_max}: LeRobot will ask to calibrate, libra-edge does not use the servo's"
        )
    if hidden_seam(ours):
        found.append(
            f"{label_of(joint)}: the encoder's seam lies within the joint's range; where it is beyond it at power-on "
            "it reads a turn off, which libra-edge corrects and LeRobot does not"
        )
    return found


def hidden_seam(joint: JointCalibration) -> bool:
    """Whether the joint, somewhere in its range, would read a turn off after power-on.

    The encoder starts within 0 .. 4095, to which the homing offset is added. A whole turn always has a seam.
    """
    within = joint.homing_offset <= joint.range_min and joint.range_max <= joint.homing_offset + LAST_TICK
    return not joint.turns_all_round and not within

"""The calibration of an arm by hand, as LeRobot does it: the middle of every joint first, then their whole ranges.

It is told what the servos read and when the person is ready; it asks for nothing and opens nothing. Servos are written
to only with its result, so that ending it early changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from libra_edge.calibration.arm import LAST_TICK, ArmCalibration, JointCalibration
from libra_edge.calibration.arm_fit import check_within_a_turn, label_of
from libra_edge.drivers.dynamixel.limp_arm import ServoMemory, is_reversed
from libra_edge.errors import ArmCalibrationError
from libra_edge.robot import DEGREES_A_TICK, TICKS_PER_TURN, JointSection, Robot

MIDDLE_TICK = LAST_TICK // 2
"""What a servo shall read in the middle of its range: LeRobot's homing offset is 2047 minus its encoder's tick."""
FULL_TURN = ("shoulder_pan", "wrist_roll")
"""Joints that LeRobot takes as turning all the way round: 0 .. 4095 whatever was swept."""
LEAST_SHARE = 0.25
"""Of the robot file's range: a joint that was moved less was hardly moved."""
JUMP_TICKS = TICKS_PER_TURN // 2


class Stage(Enum):
    """What the person is doing."""

    MIDDLE = "hold every joint in the middle of its range"
    SWEEP = "move every joint to both of its ends"
    DONE = "calibrated"


@dataclass(frozen=True, slots=True)
class Swept:
    """One joint, ticks that the servo will read.

    Attributes:
        position: now; None while its servo does not answer.
        low, high: the ends reached so far.
        needed_deg: how far it has to be moved in all, 0 for one that turns all the way round.
    """

    joint: str
    position: int | None
    low: int
    high: int
    needed_deg: float

    @property
    def swept_deg(self) -> float:
        """From end to end."""
        return (self.high - self.low) * DEGREES_A_TICK

    @property
    def enough(self) -> bool:
        """Whether it was moved as far as it has to be."""
        return self.swept_deg >= self.needed_deg


class ArmSweep:
    """One calibration, from `Stage.MIDDLE` to `Stage.DONE`.

    Attributes:
        stage: what the person is asked for.
    """

    def __init__(self, robot: Robot, memory: Mapping[str, ServoMemory]) -> None:
        """`memory`: what the servos hold, by joint name."""
        self.stage = Stage.MIDDLE
        self._robot = robot
        self._memory = memory
        self._encoder: dict[str, int] = {}
        self._silent: set[str] = set(robot.joint_names)
        self._offsets = {name: held.homing_offset for name, held in memory.items()}
        self._low: dict[str, int] = {}
        self._high: dict[str, int] = {}

    def see(self, positions: Mapping[str, int]) -> None:
        """Take in present positions, ticks; joints may be missing.

        Raises ArmCalibrationError for a servo that jumped by a turn: it lost its power and counts anew.
        """
        self._silent = set(self._robot.joint_names) - positions.keys()
        for joint in self._robot.joint:
            if joint.name not in positions:
                continue
            encoder = positions[joint.name] - self._memory[joint.name].homing_offset
            before = self._encoder.get(joint.name, encoder)
            if abs(encoder - before) > JUMP_TICKS:
                raise ArmCalibrationError(
                    f"{label_of(joint)} jumped from {before} to {encoder} between two looks: its power failed for a "
                    "moment; check the cable that moves with it, and calibrate again"
                )
            self._encoder[joint.name] = encoder
            self._low[joint.name] = min(encoder, self._low.get(joint.name, encoder))
            self._high[joint.name] = max(encoder, self._high.get(joint.name, encoder))

    def joints(self) -> list[Swept]:
        """How far each joint has come, in the robot file's order; those never seen are left out."""
        return [self._swept(joint) for joint in self._robot.joint if joint.name in self._encoder]

    def lacking(self) -> str:
        """What has to be done before `advance`, in one sentence; "" for nothing."""
        for joint in self._robot.joint:
            if joint.name in self._silent:
                return f"{label_of(joint)} does not answer: check its cable"
        if self.stage is Stage.SWEEP:
            for swept in self.joints():
                if not swept.enough:
                    return (
                        f"{swept.joint} was hardly moved, {swept.swept_deg:.0f} of at least "
                        f"{swept.needed_deg:.0f} degrees: move it to both of its ends"
                    )
        return ""

    def advance(self) -> None:
        """The person is ready. Raises ArmCalibrationError if something is lacking, or a range crosses the seam."""
        lacking = self.lacking()
        if lacking:
            raise ArmCalibrationError(lacking)
        if self.stage is Stage.MIDDLE:
            self._offsets = {name: MIDDLE_TICK - encoder for name, encoder in self._encoder.items()}
            self._low, self._high = dict(self._encoder), dict(self._encoder)
            self.stage = Stage.SWEEP
        elif self.stage is Stage.SWEEP:
            for joint in self._robot.joint:
                check_within_a_turn(label_of(joint), *self._range(joint))
            self.stage = Stage.DONE

    def calibration(self) -> ArmCalibration:
        """The result, in the robot file's order. Raises ArmCalibrationError before `Stage.DONE`."""
        if self.stage is not Stage.DONE:
            raise ArmCalibrationError(f"the calibration is not done: {self.stage.value}")
        return {joint.name: self._calibration_of(joint) for joint in self._robot.joint}

    def _calibration_of(self, joint: JointSection) -> JointCalibration:
        low, high = self._range(joint)
        return JointCalibration(
            id=joint.id,
            drive_mode=1 if is_reversed(self._memory[joint.name].drive_mode) else 0,
            homing_offset=self._offsets[joint.name],
            range_min=low,
            range_max=high,
        )

    def _range(self, joint: JointSection) -> tuple[int, int]:
        if joint.name in FULL_TURN:
            return 0, LAST_TICK
        offset = self._offsets[joint.name]
        return self._low[joint.name] + offset, self._high[joint.name] + offset

    def _swept(self, joint: JointSection) -> Swept:
        name, offset = joint.name, self._offsets[joint.name]
        position = None if name in self._silent else self._encoder[name] + offset
        needed = 0.0 if name in FULL_TURN else LEAST_SHARE * (joint.high_deg - joint.low_deg)
        return Swept(name, position, self._low[name] + offset, self._high[name] + offset, needed)


def memory_for(calibration: ArmCalibration, memory: Mapping[str, ServoMemory]) -> dict[str, ServoMemory]:
    """What the servos are to hold so that the calibration is true of them; their operating modes stay."""
    return {
        name: ServoMemory(joint.drive_mode, joint.homing_offset, joint.range_min, joint.range_max, memory[name].mode)
        for name, joint in calibration.items()
    }

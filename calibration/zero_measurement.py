"""Measures kinematic zero and sign of every joint: the arm in its zero pose first, then each joint moved a little.

It is told what the servos read and when the person is ready; it asks for nothing and opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from libra_edge.calibration.arm_fit import label_of
from libra_edge.calibration.arm_zero import ArmZero, JointZero
from libra_edge.drivers.dynamixel.limp_arm import ServoMemory, is_reversed
from libra_edge.errors import ArmCalibrationError
from libra_edge.robot import DEGREES_A_TICK, JointSection, Robot

LEAST_DEG = 10.0
"""A hand that holds a joint still moves it by less."""


def way_with_room(joint: JointSection) -> int:
    """Which way a joint can be moved from its zero, +1 or -1: towards the farther end of its range."""
    return 1 if joint.high_deg >= -joint.low_deg else -1


class ZeroMeasurement:
    """One measurement, from the pose to the last joint.

    Attributes:
        joint: that is to be moved now; None while the arm is to be held in its zero pose, and at the end.
        done: whether all is measured.
        positions: what the servos read last, ticks by joint name; those that did not answer are missing.
    """

    def __init__(self, robot: Robot, memory: Mapping[str, ServoMemory]) -> None:
        """`memory`: what the servos hold, by joint name."""
        self.joint: JointSection | None = None
        self.done = False
        self._robot = robot
        self._memory = memory
        self.positions: Mapping[str, int] = {}
        self._zeros: dict[str, int] = {}
        self._signs: dict[str, int] = {}
        self._from = 0

    def see(self, positions: Mapping[str, int]) -> None:
        """Take in present positions, ticks; joints may be missing."""
        self.positions = dict(positions)

    @property
    def moved_deg(self) -> float:
        """How far the joint that is to be moved has come, in the servo's direction; 0 where there is none."""
        if self.joint is None or self.joint.name not in self.positions:
            return 0.0
        return (self.positions[self.joint.name] - self._from) * DEGREES_A_TICK

    def lacking(self) -> str:
        """What has to be done before `advance`, in one sentence; "" for nothing."""
        for joint in self._robot.joint:
            if joint.name not in self.positions:
                return f"{label_of(joint)} does not answer: check its cable"
        if self.joint is not None and abs(self.moved_deg) < LEAST_DEG:
            return f"{self.joint.name} was moved by {abs(self.moved_deg):.0f} of at least {LEAST_DEG:.0f} degrees"
        return ""

    def advance(self) -> None:
        """The person is ready. Raises ArmCalibrationError if something is lacking."""
        lacking = self.lacking()
        if lacking:
            raise ArmCalibrationError(lacking)
        if self.joint is None:
            self._zeros = dict(self.positions)
        else:
            self._signs[self.joint.name] = way_with_room(self.joint) * (1 if self.moved_deg > 0 else -1)
        left = [joint for joint in self._robot.joint if joint.name not in self._signs]
        self.joint, self.done = (left[0], False) if left else (None, True)
        if self.joint is not None:
            self._from = self.positions[self.joint.name]

    def zero(self) -> ArmZero:
        """The result. Raises ArmCalibrationError before it is done."""
        if not self.done:
            raise ArmCalibrationError("the zero is not measured yet")
        joints = {joint.name: self._zero_of(joint) for joint in self._robot.joint}
        return ArmZero(schema_version=1, robot=self._robot.name, joints=joints)

    def _zero_of(self, joint: JointSection) -> JointZero:
        held = self._memory[joint.name]
        return JointZero(
            id=joint.id,
            drive_mode=1 if is_reversed(held.drive_mode) else 0,
            homing_offset=held.homing_offset,
            zero_tick=self._zeros[joint.name],
            sign=1 if self._signs[joint.name] > 0 else -1,
        )

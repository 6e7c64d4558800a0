"""LeRobot's units of a joint, from its servo's ticks and back (LeRobot 0.4, `MotorsBus._normalize`, `_unnormalize`).

The same operations in the same order, so that both agree to the last bit: a goal is cut to a tick, not rounded. On
Dynamixel servos LeRobot leaves the calibration's drive mode out; the servo itself turns the direction round.
What is not a number is refused: LeRobot's clamp would take it for the low end of the range.
"""

from __future__ import annotations

import math

from libra_edge.calibration.arm import JointCalibration

STEPS = 4095
"""Of a turn, as LeRobot counts them for degrees; the servo itself has 4096."""


def to_degrees(tick: int, joint: JointCalibration) -> float:
    """Degrees from the middle of the range; not clamped."""
    return (tick - _middle(joint)) * 360 / STEPS


def from_degrees(degrees: float, joint: JointCalibration) -> int:
    """Tick. Raises ValueError for a value that is not finite."""
    return int((_finite(degrees) * STEPS / 360) + _middle(joint))


def to_range_m100_100(tick: int, joint: JointCalibration) -> float:
    """-100 at the low end of the range, 100 at the high end; clamped."""
    return ((_clamped(tick, joint) - joint.range_min) / (joint.range_max - joint.range_min)) * 200 - 100


def from_range_m100_100(value: float, joint: JointCalibration) -> int:
    """Tick, within the range. Raises ValueError for a value that is not finite."""
    bounded = min(100.0, max(-100.0, _finite(value)))
    return int(((bounded + 100) / 200) * (joint.range_max - joint.range_min) + joint.range_min)


def to_range_0_100(tick: int, joint: JointCalibration) -> float:
    """0 at the low end of the range, 100 at the high end; clamped. LeRobot's unit of grippers."""
    return ((_clamped(tick, joint) - joint.range_min) / (joint.range_max - joint.range_min)) * 100


def from_range_0_100(value: float, joint: JointCalibration) -> int:
    """Tick, within the range. Raises ValueError for a value that is not finite."""
    bounded = min(100.0, max(0.0, _finite(value)))
    return int((bounded / 100) * (joint.range_max - joint.range_min) + joint.range_min)


def _middle(joint: JointCalibration) -> float:
    return (joint.range_min + joint.range_max) / 2


def _clamped(tick: int, joint: JointCalibration) -> int:
    return min(joint.range_max, max(joint.range_min, tick))


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no joint position")
    return value

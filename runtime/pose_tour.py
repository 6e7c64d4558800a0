"""Poses around one pose, and the way from each to the next: slow straight lines in joint space, in pieces that end.

Like a held key of `jog`, a piece lasts 200 ms and is renewed while all is well: nothing has to be sent to stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from libra_edge.messages import Float64
from libra_edge.robot import Robot
from libra_edge.runtime.jog_motion import JogMotion

WRIST_JOINTS = 2
WRIST_RAD = np.radians(28.0)
ARM_RAD = np.radians(12.0)
"""How far the joints before the hand go, each way: the last two turn the hand, the others mostly carry it about."""
STANDING_RAD = 1e-4


def poses_around(pose: Float64, robot: Robot, moved: Sequence[str]) -> Iterator[Float64]:
    """Endlessly, poses float64 [D] rad that differ from `pose` in the joints `moved`, listed from base to hand.

    They fill the range evenly however many are taken (M. Roberts, 2018: the R sequence), and keep the joints' limits.
    """
    joints = [robot.joint_names.index(name) for name in moved]
    reach = np.array([ARM_RAD] * len(joints))
    reach[-WRIST_JOINTS:] = WRIST_RAD
    steps = _golden_steps(len(joints))
    number = 0
    while True:
        number += 1
        around = pose.copy()
        around[joints] += (2.0 * np.mod(0.5 + number * steps, 1.0) - 1.0) * reach
        yield np.clip(around, np.minimum(robot.low, pose), np.maximum(robot.high, pose))


def line_piece(start: Float64, target: Float64, speed_rad_s: float, now_ns: int) -> JogMotion:
    """The next 200 ms of the way, float64 [D] rad each; every joint arrives at once, the farthest at `speed_rad_s`."""
    way = target - start
    farthest = float(np.max(np.abs(way)))
    velocity = way * (speed_rad_s / farthest) if farthest > STANDING_RAD else np.zeros_like(way)
    return JogMotion(start, velocity, np.minimum(start, target), np.maximum(start, target), now_ns)


def _golden_steps(dimensions: int) -> Float64:
    """Powers of the inverse of the root of x^(d+1) = x + 1: d numbers as hard to approach by fractions as can be."""
    root = 2.0
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    steps: Float64 = root ** -np.arange(1.0, dimensions + 1.0)
    return steps

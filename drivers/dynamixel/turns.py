"""Whole turns that a servo lost or gained against the robot file.

In extended position mode a servo counts turns, but a restart puts it back to the turn its encoder is in. Where the
encoder's seam lies within a joint's range, the same pose then reads 4096 ticks off.
"""

from __future__ import annotations

import numpy as np

from libra_edge.messages import Int64
from libra_edge.robot import TICKS_PER_TURN, Robot

FOREIGN = np.pi / 2.0
"""A joint read this far (rad) outside its range is a turn off, one read nearer may truly be there."""


def turn_correction(robot: Robot, ticks: Int64) -> Int64:
    """Ticks int64 [D] to be added to present positions [D], a multiple of 4096 each; 0 for a joint near its range."""
    angle = robot.to_radians(ticks)
    outside = np.maximum(robot.low - angle, angle - robot.high)
    turns = np.rint((angle - (robot.low + robot.high) / 2.0) / (2.0 * np.pi))
    signs = np.array([joint.sign for joint in robot.joint])
    corrections: Int64 = np.where(outside > FOREIGN, -turns * signs * TICKS_PER_TURN, 0).astype(np.int64)
    return corrections


def kept_turns(expected_tick: int, tick: int) -> int:
    """Ticks to be added to a present position so that it comes nearest to `expected_tick`, a multiple of 4096.

    For a servo that has restarted at a pose that is known to within half a turn.
    """
    return round((expected_tick - tick) / TICKS_PER_TURN) * TICKS_PER_TURN

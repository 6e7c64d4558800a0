"""Inverse kinematics of the Koch arm in closed form: a turntable, two links in a plane, a pitched hand.

Lengths are those of scene.py. World frame: x forward from the base, y left, z up; metres and radians.
"""

from __future__ import annotations

import math

from libra_edge.drivers.simulation.scene import GRASP_OFFSET

PAN_AXIS_X = -0.012
SHOULDER_Z = 0.0409 + 0.0154
UPPER_ARM = (0.0148, 0.1083)
FOREARM = (0.10048, 0.0027)
ROLL_LATERAL = 0.0209 - 0.0065 - 0.00005 - 0.0131
"""How far the roll axis runs to the left of the pan axis."""
HAND = 0.045 - GRASP_OFFSET[0]
"""From the wrist's axis to the grasp point, along the hand."""

_A = math.hypot(*UPPER_ARM)
_B = math.hypot(*FOREARM)
_A_ZERO = math.atan2(UPPER_ARM[1], UPPER_ARM[0])
_B_ZERO = math.atan2(FOREARM[1], FOREARM[0])


def reach_of(x: float, y: float) -> float:
    """Horizontal distance of a point from the pan axis."""
    return math.hypot(x - PAN_AXIS_X, y)


def bearing_of(x: float, y: float) -> float:
    """Direction of a point seen from the pan axis, counter-clockwise from straight ahead."""
    return math.atan2(y, x - PAN_AXIS_X)


def solve(x: float, y: float, z: float, pitch: float, roll: float) -> tuple[float, float, float, float, float] | None:
    """Joint angles (pan, lift, elbow, wrist flex, wrist roll) that bring the grasp point to (x, y, z).

    `pitch` is the hand's direction above the horizontal (-pi/2 points straight down), `roll` turns the hand about it.
    Elbow up. None if the point is out of reach.
    """
    lateral = ROLL_LATERAL - GRASP_OFFSET[1] * math.cos(roll)
    normal = GRASP_OFFSET[1] * math.sin(roll)
    reach = reach_of(x, y)
    if reach <= abs(lateral):
        return None
    forward = math.sqrt(reach * reach - lateral * lateral)
    pan = -(bearing_of(x, y) - math.atan2(lateral, forward))
    wrist_r = forward - HAND * math.cos(pitch) + normal * math.sin(pitch)
    wrist_z = z - HAND * math.sin(pitch) - normal * math.cos(pitch) - SHOULDER_Z
    distance = math.hypot(wrist_r, wrist_z)
    if not abs(_A - _B) < distance < _A + _B:
        return None
    inner = math.acos((_A * _A + distance * distance - _B * _B) / (2 * _A * distance))
    upper = math.atan2(wrist_z, wrist_r) + inner
    fore = math.atan2(wrist_z - _A * math.sin(upper), wrist_r - _A * math.cos(upper))
    lift = upper - _A_ZERO
    elbow = lift - (fore - _B_ZERO)
    return pan, lift, elbow, pitch - (lift - elbow), roll

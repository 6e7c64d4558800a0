"""When the arm turned towards a cube that was moved aside, and where it can be moved to.

Bearings are those of the shoulder's pan axis, rad, counter-clockwise from straight ahead: the one joint of this arm
that turns it from side to side. A pan goal p points at bearing -p, but for a constant lateral offset of the hand.

The cube is moved by SHIFT_RAD to the side from which the hand came. From then on the goals' bearing is watched: its
furthest point away from the new place is where the arm still followed the old one. It has turned once it has come back
from there by CONFIRMED_RAD, half of the shift; the turn BEGAN when it left the furthest point by more than BAND_RAD for
the last time before that. Smaller movements back and forth happen without any reason, so runs in which nothing is moved
are judged in the same way beside it: what they show as turns is the detector's rate of false alarms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from libra_edge.drivers.simulation.kinematics import PAN_AXIS_X, bearing_of, reach_of
from libra_edge.drivers.simulation.world import BEARING_RAD, CLEARANCE_M
from libra_edge.messages import Float64

SHIFT_RAD = 0.4
CONFIRMED_RAD = 0.2
BAND_RAD = 0.02


def turned_at(times_s: Float64, bearings: Float64, moved_s: float, side: int) -> float | None:
    """When the turn to `side` (+1 or -1) began, seconds after `moved_s`; None if there was none.

    `times_s` and `bearings`: float64 [n] each, of the goals, in the order of time.
    """
    after = times_s >= moved_s
    times, towards = times_s[after], side * bearings[after]
    if not len(times):
        return None
    furthest = np.minimum.accumulate(towards)
    confirmed = np.flatnonzero(towards - furthest >= CONFIRMED_RAD)
    if not len(confirmed):
        return None
    end = int(confirmed[0])
    inside = np.flatnonzero(towards[: end + 1] <= furthest[end] + BAND_RAD)
    return float(times[int(inside[-1]) + 1] - moved_s)


def new_place(cubes: Float64, hand_bearing: float) -> tuple[float, float, int] | None:
    """Where to put cube 0 of `cubes`, float64 [3, 3] m: (x, y, side); None if other cubes are in the way.

    At the same distance from the pan axis, SHIFT_RAD to the side on which the hand was before it approached.
    """
    x, y = (float(value) for value in cubes[0, :2])
    reach, bearing = reach_of(x, y), bearing_of(x, y)
    side = 1 if hand_bearing > bearing else -1
    aim = bearing + side * SHIFT_RAD
    place = PAN_AXIS_X + reach * math.cos(aim), reach * math.sin(aim)
    free = all(math.dist(place, other) >= CLEARANCE_M for other in cubes[1:, :2])
    return (*place, side) if free and abs(aim) <= BEARING_RAD else None


def first_after(times_ns: Sequence[int], captured_ns: Sequence[int | None], moved_ns: int) -> float | None:
    """Milliseconds from `moved_ns` to the first command that rests on a picture taken after it; None if none does."""
    for time_ns, picture_ns in zip(times_ns, captured_ns, strict=True):
        if picture_ns is not None and picture_ns >= moved_ns:
            return (time_ns - moved_ns) / 1e6
    return None

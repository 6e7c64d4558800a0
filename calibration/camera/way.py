"""Three ways to show a camera a board, and the one chain of frames that they share.

    board -> (where it is fixed) -> carrier -> (where the camera is fixed) -> camera

held: the hand holds the board, the camera stands. Sought: the camera in the base frame; the board in the hand's.
lying: the board lies at a known place, the camera stands. Sought: the camera in the base frame.
carried: the hand carries the camera, the board stands anywhere. Sought: the camera in the hand's frame; the board in
the base frame.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from libra_edge.calibration.camera.transform import IDENTITY, Transform, rotation_of_vector


class Way(Enum):
    """How camera and board are mounted."""

    HELD = "held"
    LYING = "lying"
    CARRIED = "carried"

    @property
    def fewest_views(self) -> int:
        """Below it nothing is solved. Two turns of the hand suffice in theory; their errors average out with more."""
        return 1 if self is Way.LYING else 8

    def carrier(self, hand: Transform) -> Transform:
        """The frame in which the board is fixed, seen from the one in which the camera is fixed."""
        if self is Way.LYING:
            return IDENTITY
        return hand if self is Way.HELD else hand.inverse


def lying_at(x_m: float, y_m: float, turn_rad: float) -> Transform:
    """The board face up on the table (z = 0 in the base frame), its first corner at (x, y).

    A row of it runs along base x turned by `turn_rad` about base z. Its own z points into the table.
    """
    upside_down = np.diag([1.0, -1.0, -1.0])
    turn = rotation_of_vector(np.array([0.0, 0.0, turn_rad]))
    return Transform(turn @ upside_down, np.array([x_m, y_m, 0.0]))

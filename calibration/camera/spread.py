"""How far the views differ: what makes a camera's place certain, and what is refused for want of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from libra_edge.calibration.camera.transform import Transform, vector_of_rotation
from libra_edge.calibration.camera.way import Way
from libra_edge.errors import CameraCalibrationError
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import Float64

GRID = (4, 6)
LEAST_TURN_RAD = np.radians(15.0)
LEAST_SECOND_TURN_RAD = np.radians(8.0)
"""Turns of the hand about a single axis leave the camera's place along that axis open (R. Tsai and R. Lenz, 1989)."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Over all views.

    Attributes:
        views, corners: how many.
        picture_share: of 4 x 6 parts of the picture, the share in which a corner was seen.
        turn_deg: between the two hands that differ most.
        second_turn_deg: the same, about axes at right angles to that of the largest turn.
        nearest_m, farthest_m: of the board from the camera; 0 before a board was seen.
    """

    views: int
    corners: int
    picture_share: float
    turn_deg: float
    second_turn_deg: float
    nearest_m: float
    farthest_m: float

    def __str__(self) -> str:
        turned = f", hand turned by {self.turn_deg:.0f} and {self.second_turn_deg:.0f} deg" if self.turn_deg else ""
        return (
            f"views {self.views}, corners {self.corners}, in {self.picture_share:.0%} of the picture's parts{turned}, "
            f"board {self.nearest_m * 1e3:.0f} to {self.farthest_m * 1e3:.0f} mm away"
        )


def spread_of(
    pixels: Sequence[Float64], hands: Sequence[Transform], poses: Sequence[Transform], intrinsics: Intrinsics
) -> Spread:
    """Of views with corners at `pixels`, float64 [C, 2] each; `poses` are of the board in the camera's frame."""
    all_pixels = np.concatenate([np.empty((0, 2)), *pixels])
    largest, second = _turns(hands)
    distances = [float(np.linalg.norm(pose.translation)) for pose in poses] or [0.0]
    seen = picture_counts(all_pixels, intrinsics.width, intrinsics.height) > 0
    return Spread(
        len(hands),
        len(all_pixels),
        float(np.mean(seen)),
        float(np.degrees(largest)),
        float(np.degrees(second)),
        min(distances),
        max(distances),
    )


def picture_counts(pixels: Float64, width: int, height: int) -> Float64:
    """How many of float64 [C, 2] pixels lie in each part of the picture, float64 [4, 6]."""
    counts, _, _ = np.histogram2d(pixels[:, 1], pixels[:, 0], GRID, ((-0.5, height - 0.5), (-0.5, width - 0.5)))
    found: Float64 = counts
    return found


def check_spread(views: Sequence[tuple[Transform, Transform]], way: Way) -> None:
    """Refuse (hand, board in camera) that cannot tell where the camera is. Raises CameraCalibrationError."""
    if len(views) < way.fewest_views:
        raise CameraCalibrationError(
            f"{len(views)} views show the board, at least {way.fewest_views} are needed; "
            "take more, with the whole board in the picture and well lit"
        )
    if way.fewest_views == 1:
        return
    largest, second = _turns([hand for hand, _ in views])
    if largest < LEAST_TURN_RAD or second < LEAST_SECOND_TURN_RAD:
        raise CameraCalibrationError(
            f"the hand was turned by only {np.degrees(largest):.0f} degrees, and about other axes by "
            f"{np.degrees(second):.0f}; take views that differ by {np.degrees(LEAST_TURN_RAD):.0f} or more about one "
            f"axis and {np.degrees(LEAST_SECOND_TURN_RAD):.0f} or more about another"
        )


def _turns(hands: Sequence[Transform]) -> tuple[float, float]:
    """Largest turn between two hands, rad, and the largest part of any turn at right angles to its axis."""
    vectors = [vector_of_rotation(a.rotation.T @ b.rotation) for i, a in enumerate(hands) for b in hands[i + 1 :]]
    if not vectors:
        return 0.0, 0.0
    turns = np.array(vectors)
    lengths = np.linalg.norm(turns, axis=1)
    largest = int(np.argmax(lengths))
    if lengths[largest] == 0:
        return 0.0, 0.0
    axis = turns[largest] / lengths[largest]
    across = turns - np.outer(turns @ axis, axis)
    return float(lengths[largest]), float(np.linalg.norm(across, axis=1).max())

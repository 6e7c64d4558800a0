"""A view: the corners of the board that one picture shows, and where the hand was then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from libra_edge.calibration.camera.board import Board
from libra_edge.calibration.camera.opencv_library import load_opencv
from libra_edge.calibration.camera.straight_pixels import straightened
from libra_edge.calibration.camera.transform import Transform
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import Float64, Int64, UInt8

FEWEST_CORNERS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """Corners found in a picture: their numbers int64 [C] and pixels float64 [C, 2], as the lens shows them."""

    corners: Int64
    pixels: Float64


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one picture says.

    Attributes:
        name: to speak of it.
        sighting: the corners.
        hand: the link that carries board or camera, in the base frame.
    """

    name: str
    sighting: Sighting
    hand: Transform


def find_board(picture: UInt8, board: Board) -> Sighting | None:
    """The board's corners in a picture uint8 [H, W, 3] RGB; None if fewer than 6, or all in one line."""
    cv2 = load_opencv()
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    pixels, numbers, _, _ = cv2.aruco.CharucoDetector(board.opencv()).detectBoard(grey)
    if numbers is None or len(numbers) < FEWEST_CORNERS:
        return None
    corners = np.asarray(numbers, np.int64).reshape(-1)
    row, column = np.divmod(corners, board.columns - 1)
    if len(set(row.tolist())) < 2 or len(set(column.tolist())) < 2:
        return None
    return Sighting(corners, np.asarray(pixels, np.float64).reshape(-1, 2))


def board_in_camera(sighting: Sighting, board: Board, intrinsics: Intrinsics) -> Transform | None:
    """Where the board stands in the camera's frame by this picture alone (OpenCV's IPPE, then Levenberg-Marquardt).

    None if no pose explains the corners.
    """
    cv2 = load_opencv()
    points, pixels = board.corners()[sighting.corners], straightened(sighting.pixels, intrinsics)
    try:
        found, turns, places, errors = cv2.solvePnPGeneric(
            points, pixels, intrinsics.matrix, None, flags=cv2.SOLVEPNP_IPPE
        )
        if not found:
            return None
        best = int(np.argmin(np.asarray(errors).reshape(-1)))
        turn, place = cv2.solvePnPRefineLM(points, pixels, intrinsics.matrix, None, turns[best], places[best])
    except cv2.error:  # too few corners, or such as no flat board can show
        return None
    matrix, _ = cv2.Rodrigues(turn)
    pose = Transform(np.asarray(matrix, np.float64), np.asarray(place, np.float64).reshape(3))
    return pose if np.all(np.isfinite(pose.translation)) and pose.translation[2] > 0 else None

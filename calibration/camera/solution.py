"""From views to the camera's place, with what is known of its error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from libra_edge.calibration.camera.board import Board
from libra_edge.calibration.camera.first_guess import Pair, guess, guess_by_known_board
from libra_edge.calibration.camera.refinement import Corners, refine
from libra_edge.calibration.camera.spread import check_spread
from libra_edge.calibration.camera.transform import Transform, angle_between
from libra_edge.calibration.camera.view import View, board_in_camera
from libra_edge.calibration.camera.way import Way
from libra_edge.errors import CameraCalibrationError
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import Float64


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What does not change from view to view. `known_board`: in the base frame, for a lying one."""

    way: Way
    board: Board
    intrinsics: Intrinsics
    known_board: Transform | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ViewResidual:
    """How a view disagrees with the rest.

    Attributes:
        rms_px: root mean square distance of its corners from where they are expected, pixels.
        shift_m, turn_rad: from the board as expected to the board as this picture alone shows it.
    """

    view: View
    pixels: Float64
    rms_px: float
    shift_m: float
    turn_rad: float


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Where the camera is.

    Attributes:
        camera: in the base frame, or in the hand's for a carried one.
        board: in the hand's frame for a held one, else in the base frame.
        error_m, error_rad: standard error of the camera's place and direction, by leaving out each view in turn (the
            jackknife, M. Quenouille, 1949); None where there are too few views to leave one out, and for a lying
            board, whose views all err alike.
    """

    setup: Setup
    camera: Transform
    board: Transform
    views: tuple[ViewResidual, ...]
    error_m: float | None
    error_rad: float | None

    @property
    def rms_px(self) -> float:
        """Over all corners, pixels."""
        return float(np.sqrt(np.mean(np.concatenate([np.sum(one.pixels**2, axis=1) for one in self.views]))))

    @property
    def shift_m(self) -> float:
        """Root mean square over the views."""
        return float(np.sqrt(np.mean([one.shift_m**2 for one in self.views])))

    @property
    def turn_rad(self) -> float:
        """Root mean square over the views."""
        return float(np.sqrt(np.mean([one.turn_rad**2 for one in self.views])))


def solve(views: Sequence[View], setup: Setup) -> Solution:
    """Find the camera. Raises CameraCalibrationError if the views cannot tell where it is."""
    seen = [(view, board_in_camera(view.sighting, setup.board, setup.intrinsics)) for view in views]
    usable = [(view, pose) for view, pose in seen if pose is not None]
    check_spread([(view.hand, pose) for view, pose in usable], setup.way)
    pairs = [(setup.way.carrier(view.hand), pose) for view, pose in usable]
    kept = [view for view, _ in usable]
    camera, board = _best(kept, pairs, setup)
    errors = _errors(kept, setup, camera, board)
    residuals = tuple(_residual(view, pose, setup, camera, board) for view, pose in usable)
    return Solution(setup, camera, board, residuals, *errors)


def _best(views: Sequence[View], pairs: Sequence[Pair], setup: Setup) -> Pair:
    """What fits all views at once."""
    corners, known = Corners.of(views, setup.way, setup.board, setup.intrinsics), setup.known_board
    start = guess(pairs) if known is None else guess_by_known_board(pairs, known)
    camera, board = refine(corners, *start, board_known=known is not None)
    if not np.all(np.isfinite(corners.residuals(camera, board))):
        raise CameraCalibrationError(
            f"no place of the camera explains these {len(views)} views; "
            "the joint angles and the pictures do not belong together, or the board moved in the hand: take new views"
        )
    return camera, board


def _errors(
    views: Sequence[View], setup: Setup, camera: Transform, board: Transform
) -> tuple[float | None, float | None]:
    count, known = len(views), setup.known_board is not None
    if known or count <= setup.way.fewest_views:
        return None, None
    without = []
    for left_out in range(count):
        rest = [view for number, view in enumerate(views) if number != left_out]
        corners = Corners.of(rest, setup.way, setup.board, setup.intrinsics)
        without.append(refine(corners, camera, board, board_known=known)[0])
    grown = (count - 1) / count
    shifts = np.array([one.translation for one in without])
    turns = np.array([angle_between(camera.rotation, one.rotation) for one in without])
    shift_m = np.sqrt(grown * np.sum((shifts - shifts.mean(axis=0)) ** 2))
    return float(shift_m), float(np.sqrt(grown * np.sum(turns**2)))


def _residual(view: View, seen: Transform, setup: Setup, camera: Transform, board: Transform) -> ViewResidual:
    corners = Corners.of([view], setup.way, setup.board, setup.intrinsics)
    pixels = corners.residuals(camera, board)
    expected = camera.inverse @ setup.way.carrier(view.hand) @ board
    shift_m = float(np.linalg.norm(_middle(setup.board, seen) - _middle(setup.board, expected)))
    rms_px = float(np.sqrt(np.mean(np.sum(pixels**2, axis=1))))
    return ViewResidual(view, pixels, rms_px, shift_m, angle_between(expected.rotation, seen.rotation))


def _middle(board: Board, pose: Transform) -> Float64:
    """Of the board in the camera's frame: its origin is a corner, which a small turn moves far."""
    width_mm, height_mm = board.size_mm
    return pose.apply(np.array([width_mm / 2e3, height_mm / 2e3, 0.0]))

"""Makes the corners of all views fit at once: least squares over camera and board, by Levenberg and Marquardt.

What is minimised is what a camera measures, the distance in pixels between a corner seen and the corner expected. A
closed-form hand-eye solution minimises something else and is only the start. Method: D. W. Marquardt, 1963; steps are
turns and shifts in the moved frame itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from libra_edge.calibration.camera.board import Board
from libra_edge.calibration.camera.straight_pixels import straightened
from libra_edge.calibration.camera.transform import Transform, cross_matrix, rotation_of_vector
from libra_edge.calibration.camera.view import View
from libra_edge.calibration.camera.way import Way
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import Float64

STEPS = 60
CONVERGED = 1e-10
FIRST_DAMPING = 1e-3
LARGEST_DAMPING = 1e9
NEAREST_M = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Corners:
    """All corners of all views: board points float64 [C, 3] m, pixels float64 [C, 2] without distortion, and each
    one's carrier, float64 [C, 3, 3] and float64 [C, 3] m.
    """

    points: Float64
    pixels: Float64
    turns: Float64
    places: Float64
    intrinsics: Intrinsics

    @classmethod
    def of(cls, views: Sequence[View], way: Way, board: Board, intrinsics: Intrinsics) -> Corners:
        """Gather those of `views`."""
        counts = [len(view.sighting.corners) for view in views]
        carriers = [way.carrier(view.hand) for view in views]
        known = board.corners()
        return cls(
            np.concatenate([known[view.sighting.corners] for view in views]),
            np.concatenate([straightened(view.sighting.pixels, intrinsics) for view in views]),
            np.repeat([carrier.rotation for carrier in carriers], counts, axis=0),
            np.repeat([carrier.translation for carrier in carriers], counts, axis=0),
            intrinsics,
        )

    def residuals(self, camera: Transform, fixed: Transform) -> Float64:
        """Seen minus expected, float64 [C, 2] pixels; `fixed` is the board in its carrier. NaN behind the camera."""
        return self.pixels - self.intrinsics.projected(self._in_camera(camera, fixed))

    def slopes(self, camera: Transform, fixed: Transform) -> Float64:
        """Of the expected pixels by turn (rad) and shift (m) of camera and board: float64 [C, 2, 12]."""
        seen = self._in_camera(camera, fixed)
        turned = camera.rotation.T @ self.turns @ fixed.rotation
        by_camera = np.concatenate([cross_matrix(seen), np.broadcast_to(-np.eye(3), (len(seen), 3, 3))], axis=2)
        by_board = np.concatenate([-turned @ cross_matrix(self.points), turned], axis=2)
        x, y, z = seen.T
        lens = np.zeros((len(seen), 2, 3))
        lens[:, 0, 0], lens[:, 0, 2] = self.intrinsics.fx / z, -self.intrinsics.fx * x / z**2
        lens[:, 1, 1], lens[:, 1, 2] = self.intrinsics.fy / z, -self.intrinsics.fy * y / z**2
        slopes: Float64 = lens @ np.concatenate([by_camera, by_board], axis=2)
        return slopes

    def _in_camera(self, camera: Transform, fixed: Transform) -> Float64:
        carried = np.einsum("cij,cj->ci", self.turns, fixed.apply(self.points)) + self.places
        seen = camera.inverse.apply(carried)
        seen[seen[:, 2] < NEAREST_M] = np.nan
        return seen


def refine(corners: Corners, camera: Transform, fixed: Transform, *, board_known: bool) -> tuple[Transform, Transform]:
    """The camera in its parent and the board in its carrier that fit best, starting from these; a known board stays."""
    count = 6 if board_known else 12
    cost, damping = _cost(corners, camera, fixed), FIRST_DAMPING
    for _ in range(STEPS):
        slopes = corners.slopes(camera, fixed)[..., :count].reshape(-1, count)
        if not np.isfinite(cost):
            break
        square, pull = slopes.T @ slopes, slopes.T @ corners.residuals(camera, fixed).reshape(-1)
        while damping < LARGEST_DAMPING:
            step = np.linalg.solve(square + damping * np.diag(np.diag(square) + 1e-12), pull)
            moved = _moved(camera, step[:6]), fixed if board_known else _moved(fixed, step[6:])
            better = _cost(corners, *moved)
            if better < cost:
                break
            damping *= 10.0
        else:
            break
        gained, cost, damping = cost - better, better, damping / 10.0
        camera, fixed = moved
        if gained < CONVERGED * cost:
            break
    return camera, fixed


def _cost(corners: Corners, camera: Transform, fixed: Transform) -> float:
    """Sum of squares; infinite if a corner would lie behind the camera."""
    cost = float(np.sum(corners.residuals(camera, fixed) ** 2))
    return cost if np.isfinite(cost) else np.inf


def _moved(frame: Transform, step: Float64) -> Transform:
    """`frame` turned by step[:3] rad and shifted by step[3:] m, both in its own axes."""
    return frame @ Transform(rotation_of_vector(step[:3]), step[3:].copy())

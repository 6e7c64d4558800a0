"""Where camera and board stand, roughly, in closed form: the start for the refinement.

F. Park and B. Martin, Robot Sensor Calibration: Solving AX = XB on the Euclidean Group, 1994. Written out here because
OpenCV 5.0's Python binding left `calibrateHandEye` out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from libra_edge.calibration.camera.transform import Transform, mean_transform, rotation_nearest, vector_of_rotation

Pair = tuple[Transform, Transform]
"""Of one view: its carrier, and the board as its picture alone shows it, in the camera's frame."""

DISAGREEMENT_RAD = np.radians(3.0)
"""Carrier and board must turn by the same angle between two views, wherever the camera is. Pairs that differ by more
count little: a flat board far away can be taken for its mirror image."""


def guess(pairs: Sequence[Pair]) -> Pair:
    """(camera in its parent, board in its carrier) from three views or more."""
    moves = [
        (carrier_j @ carrier_i.inverse, seen_j @ seen_i.inverse)
        for i, (carrier_i, seen_i) in enumerate(pairs)
        for carrier_j, seen_j in pairs[i + 1 :]
    ]
    of_carrier = np.array([vector_of_rotation(carried.rotation) for carried, _ in moves])
    of_board = np.array([vector_of_rotation(seen.rotation) for _, seen in moves])
    differ = np.linalg.norm(of_carrier, axis=1) - np.linalg.norm(of_board, axis=1)
    weights = 1.0 / (1.0 + (differ / DISAGREEMENT_RAD) ** 2)
    rotation = rotation_nearest((of_carrier * weights[:, None]).T @ of_board)
    rows = np.concatenate([w * (a.rotation - np.eye(3)) for w, (a, _) in zip(weights, moves, strict=True)])
    shifts = [w * (rotation @ b.translation - a.translation) for w, (a, b) in zip(weights, moves, strict=True)]
    translation = np.linalg.lstsq(rows, np.concatenate(shifts), rcond=None)[0]
    camera = Transform(rotation, translation)
    return camera, mean_transform([carrier.inverse @ camera @ seen for carrier, seen in pairs])


def guess_by_known_board(pairs: Sequence[Pair], board: Transform) -> Pair:
    """The camera's mean place where the board's is known."""
    return mean_transform([carrier @ board @ seen.inverse for carrier, seen in pairs]), board

"""A bench that exists in numbers only: a pinhole camera, an arm's hand in known places, a board in it."""

from __future__ import annotations

import numpy as np

from libra_edge.calibration.camera.board import HELD, Board
from libra_edge.calibration.camera.transform import Transform, angle_between, rotation_of_vector
from libra_edge.calibration.camera.view import Sighting, View
from libra_edge.calibration.camera.way import Way
from libra_edge.intrinsics import Intrinsics

INTRINSICS = Intrinsics(width=1280, height=720, fx=920.0, fy=915.0, cx=642.0, cy=357.0)


def looking_at(eye: tuple[float, float, float], target: tuple[float, float, float]) -> Transform:
    """A camera (x right, y down, z ahead) at `eye` that sees `target` in its middle, upright in the base frame."""
    ahead = np.subtract(target, eye)
    ahead = ahead / np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right = right / np.linalg.norm(right)
    return Transform(np.stack([right, np.cross(ahead, right), ahead], axis=1), np.array(eye, np.float64))


def seen(camera: Transform, board_pose: Transform, board: Board, rng: np.random.Generator, noise_px: float) -> Sighting:
    """The corners inside the picture of a camera without distortion; both poses in one frame."""
    pixels = INTRINSICS.projected((camera.inverse @ board_pose).apply(board.corners()))
    inside = np.flatnonzero(np.all((pixels > 0) & (pixels < [INTRINSICS.width - 1, INTRINSICS.height - 1]), axis=1))
    noise = rng.normal(0.0, noise_px, (len(inside), 2))
    return Sighting(inside.astype(np.int64), pixels[inside] + noise)


def views_of(
    way: Way, camera: Transform, fixed: Transform, hands: list[Transform], *, noise_px: float, board: Board = HELD
) -> list[View]:
    """One view a hand: `camera` in its parent, the board at `fixed` in its carrier."""
    rng = np.random.default_rng(1)
    return [
        View(f"{number:03d}", seen(camera, way.carrier(hand) @ fixed, board, rng, noise_px), hand)
        for number, hand in enumerate(hands)
    ]


def hands_around(hand: Transform, count: int, *, turn_rad: float = 0.4, shift_m: float = 0.04) -> list[Transform]:
    """`hand` turned about all axes and shifted, at random."""
    rng = np.random.default_rng(7)
    return [
        hand @ Transform(rotation_of_vector(rng.uniform(-turn_rad, turn_rad, 3)), rng.uniform(-shift_m, shift_m, 3))
        for _ in range(count)
    ]


def distance(first: Transform, second: Transform) -> tuple[float, float]:
    """Between two places, mm, and between two directions, degrees."""
    shift_mm = 1e3 * float(np.linalg.norm(first.translation - second.translation))
    return shift_mm, float(np.degrees(angle_between(first.rotation, second.rotation)))

"""From exact and from noisy corners to the camera's place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from libra_edge.calibration.camera.board import HELD, LYING
from libra_edge.calibration.camera.refinement import Corners
from libra_edge.calibration.camera.solution import Setup, solve
from libra_edge.calibration.camera.transform import Transform, rotation_of_vector
from libra_edge.calibration.camera.view import Sighting, View, board_in_camera
from libra_edge.calibration.camera.way import Way, lying_at
from libra_edge.errors import CameraCalibrationError
from tests.calibration.camera.bench import INTRINSICS, distance, hands_around, looking_at, views_of

CAMERA = looking_at((0.36, 0.02, 0.27), (0.16, 0.0, 0.10))
HAND = Transform(np.eye(3), np.array([0.14, 0.0, 0.12]))
FACING = (
    HAND.inverse @ CAMERA @ Transform(rotation_of_vector(np.array([0.5, 0.4, 0.2])), np.array([-0.04, -0.03, 0.24]))
)
"""The board in the hand, turned so that the camera sees its face from aside."""


def held(count: int, **noise: float) -> list[View]:
    return views_of(Way.HELD, CAMERA, FACING, hands_around(HAND, count), noise_px=noise.get("noise_px", 0.0))


def test_exact_corners_of_a_held_board_give_the_camera_back() -> None:
    found = solve(held(12), Setup(Way.HELD, HELD, INTRINSICS))
    assert max(distance(found.camera, CAMERA)) < 1e-4
    assert max(distance(found.board, FACING)) < 1e-4
    assert found.rms_px < 1e-4


def test_noise_of_half_a_pixel_leaves_the_camera_within_what_is_said_of_its_error() -> None:
    found = solve(held(20, noise_px=0.5), Setup(Way.HELD, HELD, INTRINSICS))
    shift_mm, turn_deg = distance(found.camera, CAMERA)
    assert found.rms_px == pytest.approx(0.5 * np.sqrt(2), rel=0.15)
    assert found.error_m is not None
    assert found.error_rad is not None
    assert shift_mm < 3 * 1e3 * found.error_m < 6.0
    assert turn_deg < 3 * np.degrees(found.error_rad) < 1.5


def test_a_board_at_a_known_place_needs_one_view() -> None:
    camera = looking_at((0.5, 0.1, 0.4), (0.2, 0.0, 0.0))
    place = lying_at(0.10, 0.08, 0.1)
    views = views_of(Way.LYING, camera, place, [HAND], noise_px=0.2, board=LYING)
    found = solve(views, Setup(Way.LYING, LYING, INTRINSICS, place))
    shift_mm, turn_deg = distance(found.camera, camera)
    assert shift_mm < 2.0
    assert turn_deg < 0.5
    assert (found.error_m, found.error_rad) == (None, None)


def test_a_carried_camera_is_found_in_the_hand() -> None:
    in_hand = looking_at((0.0, 0.0, 0.05), (0.06, 0.0, -0.06))
    above = [Transform(one.rotation, one.translation + np.array([0.02, 0.0, 0.08])) for one in hands_around(HAND, 15)]
    place = lying_at(0.10, 0.08, 0.3)
    views = views_of(Way.CARRIED, in_hand, place, above, noise_px=0.2, board=LYING)
    found = solve(views, Setup(Way.CARRIED, LYING, INTRINSICS))
    assert distance(found.camera, in_hand)[0] < 2.0
    assert distance(found.camera, in_hand)[1] < 0.5
    assert distance(found.board, place)[0] < 2.0


def test_one_view_whose_board_slipped_stands_out() -> None:
    views = held(12)
    slipped = FACING @ Transform(np.eye(3), np.array([0.004, 0.0, 0.0]))
    views[5] = replace(views_of(Way.HELD, CAMERA, slipped, [views[5].hand], noise_px=0.0)[0], name="slipped")
    found = solve(views, Setup(Way.HELD, HELD, INTRINSICS))
    worst = max(found.views, key=lambda one: one.rms_px)
    assert worst.view.name == "slipped"
    assert worst.shift_m == pytest.approx(0.004, rel=0.4)


def test_too_few_views_are_refused() -> None:
    with pytest.raises(CameraCalibrationError, match="7 views show the board, at least 8 are needed"):
        solve(held(7), Setup(Way.HELD, HELD, INTRINSICS))


def test_turns_about_one_axis_are_refused() -> None:
    hands = [
        Transform(rotation_of_vector(np.array([0.0, 0.0, angle])), HAND.translation)
        for angle in np.linspace(-0.3, 0.3, 10)
    ]
    views = views_of(Way.HELD, CAMERA, FACING, hands, noise_px=0.0)
    with pytest.raises(CameraCalibrationError, match="about other axes by 0"):
        solve(views, Setup(Way.HELD, HELD, INTRINSICS))


def test_angles_of_another_arm_do_not_pass_for_a_fit() -> None:
    views = held(12)
    hands = [view.hand for view in views]
    mixed = [replace(view, hand=hand) for view, hand in zip(views, [*hands[5:], *hands[:5]], strict=True)]
    try:
        found = solve(mixed, Setup(Way.HELD, HELD, INTRINSICS))
    except CameraCalibrationError:
        return
    assert found.rms_px > 20.0
    assert found.shift_m > 0.005


def test_the_slopes_are_those_of_the_projection() -> None:
    corners = Corners.of(held(2), Way.HELD, HELD, INTRINSICS)
    slopes = corners.slopes(CAMERA, FACING)
    for parameter in range(12):
        step = np.zeros(12)
        step[parameter] = 1e-6
        ends = [
            corners.residuals(
                CAMERA @ Transform(rotation_of_vector(sign * step[:3]), sign * step[3:6]),
                FACING @ Transform(rotation_of_vector(sign * step[6:9]), sign * step[9:]),
            )
            for sign in (1.0, -1.0)
        ]
        np.testing.assert_allclose(slopes[..., parameter], (ends[1] - ends[0]) / 2e-6, rtol=1e-4, atol=1e-2)


def test_corners_behind_the_camera_are_never_a_fit() -> None:
    corners = Corners.of(held(1), Way.HELD, HELD, INTRINSICS)
    turned = CAMERA @ Transform(np.diag([-1.0, 1.0, -1.0]), np.zeros(3))
    assert np.all(np.isnan(corners.residuals(turned, FACING)))


def test_a_sighting_keeps_to_the_numbers_of_its_corners() -> None:
    views = held(1)
    part = Sighting(views[0].sighting.corners[4:9], views[0].sighting.pixels[4:9])
    corners = Corners.of([replace(views[0], sighting=part)], Way.HELD, HELD, INTRINSICS)
    np.testing.assert_allclose(corners.residuals(CAMERA, FACING), 0.0, atol=1e-9)


def test_too_few_corners_for_a_pose_give_none() -> None:
    sighting = Sighting(np.arange(3), np.array([[300.0, 300.0], [340.0, 300.0], [380.0, 301.0]]))
    assert board_in_camera(sighting, HELD, INTRINSICS) is None

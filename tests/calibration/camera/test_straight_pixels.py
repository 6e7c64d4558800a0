"""Both lens models undo what they describe."""

from __future__ import annotations

import numpy as np
import pytest

from libra_edge.calibration.camera.straight_pixels import brown_polynomial, straightened
from libra_edge.intrinsics import Intrinsics

BENT = (-0.055, 0.062, 0.0006, -0.0009, -0.02)
PIXELS = np.stack(np.meshgrid(np.linspace(0, 1279, 9), np.linspace(0, 719, 7)), axis=-1).reshape(-1, 2)


def lens(distortion: str, coefficients: tuple[float, ...] = BENT) -> Intrinsics:
    return Intrinsics.model_validate(
        {
            "width": 1280, "height": 720, "fx": 920.0, "fy": 915.0, "cx": 642.0, "cy": 357.0,
            "distortion": distortion, "coefficients": coefficients,
        }
    )  # fmt: skip


def rays(pixels: np.ndarray, of: Intrinsics) -> np.ndarray:
    return (pixels - [of.cx, of.cy]) / [of.fx, of.fy]


def test_brown_conrady_bends_straight_rays_into_pixels() -> None:
    bent = lens("brown_conrady")
    again = brown_polynomial(rays(straightened(PIXELS, bent), bent), BENT)
    np.testing.assert_allclose(again, rays(PIXELS, bent), atol=2e-6)


def test_the_inverse_model_bends_pixels_into_straight_rays() -> None:
    bent = lens("inverse_brown_conrady")
    np.testing.assert_allclose(rays(straightened(PIXELS, bent), bent), brown_polynomial(rays(PIXELS, bent), BENT))


def test_the_two_models_differ_where_a_lens_bends() -> None:
    one, other = straightened(PIXELS, lens("brown_conrady")), straightened(PIXELS, lens("inverse_brown_conrady"))
    assert np.abs(one - other).max() > 1.0


@pytest.mark.parametrize("distortion", ["none", "brown_conrady", "inverse_brown_conrady"])
def test_without_coefficients_pixels_stay(distortion: str) -> None:
    np.testing.assert_array_equal(straightened(PIXELS, lens(distortion, (0.0,) * 5)), PIXELS)


def test_coefficients_without_a_model_are_refused() -> None:
    with pytest.raises(ValueError, match="without distortion"):
        lens("none")

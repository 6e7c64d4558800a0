"""What passes for pictures and what for noise; the other refusals are tested with the sources they come from."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from libra_edge.calibration.sample_checks import check_arrays
from libra_edge.calibration.sample_forms import Array, empty_arrays
from libra_edge.messages import UInt8
from libra_edge.model_spec import ModelSpec
from tests.calibration.scenes import noise, scenes

COUNT = 32


def arrays_with(front: UInt8, spec: ModelSpec) -> dict[str, Array]:
    arrays = empty_arrays(spec, COUNT)
    arrays["holdout"][COUNT // 2 :] = True
    return {**arrays, "image_front": front, "image_wrist": scenes(2, COUNT, 240, 424)}


def coarse(pixels: int) -> UInt8:
    """Noise as a poor encoder leaves it: `pixels` neighbours are alike."""
    small = noise(1, COUNT, -(-180 // pixels), -(-320 // pixels))
    return small.repeat(pixels, axis=1).repeat(pixels, axis=2)[:, :180, :320]


def faint(images: UInt8) -> UInt8:
    return np.asarray(128 + (images.astype(np.int16) - 128) // 16, np.uint8)


@pytest.mark.parametrize(
    "images", [noise(1, COUNT, 180, 320), faint(noise(1, COUNT, 180, 320)), coarse(2)], ids=["white", "faint", "coarse"]
)
def test_noise_is_refused(spec: ModelSpec, images: UInt8) -> None:
    with pytest.raises(ValueError, match="image_front is random noise"):
        check_arrays(arrays_with(images, spec), spec)


def grainy(images: UInt8) -> UInt8:
    """With the grain of a poor sensor: a tenth of the range, each pixel by itself."""
    grain: NDArray[np.int64] = np.random.default_rng(3).integers(-13, 14, images.shape)
    return np.asarray(np.clip(images + grain, 0, 255), np.uint8)


@pytest.mark.parametrize(
    "images",
    [scenes(1, COUNT, 180, 320), faint(scenes(1, COUNT, 180, 320)), grainy(scenes(1, COUNT, 180, 320))],
    ids=["scenes", "faint", "grainy"],
)
def test_pictures_pass(spec: ModelSpec, images: UInt8) -> None:
    check_arrays(arrays_with(images, spec), spec)

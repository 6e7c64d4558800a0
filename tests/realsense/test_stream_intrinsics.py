"""Intrinsics travel through librealsense as they were told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.realsense.software_camera import SoftwareCamera
from libra_edge.drivers.realsense.stream_intrinsics import intrinsics_of
from libra_edge.errors import CameraError, ConfigError
from libra_edge.intrinsics import Intrinsics
from libra_edge.protocols import MeasuringCamera
from tests.realsense.software_stream import STREAM

BENT = Intrinsics(
    width=32, height=18, fx=30.5, fy=31.25, cx=15.75, cy=8.5,
    distortion="inverse_brown_conrady", coefficients=(0.125, -0.0625, 0.5, 0.25, -1.0),
)  # fmt: skip


def test_an_open_camera_knows_its_lens() -> None:
    software = SoftwareCamera(STREAM, intrinsics=BENT)
    camera = RealSenseCamera(STREAM, lambda _: software.device)
    assert isinstance(camera, MeasuringCamera)
    with pytest.raises(CameraError, match="is not open"):
        camera.intrinsics()
    camera.open()
    try:
        assert camera.intrinsics() == BENT
    finally:
        camera.close()


class Profile:
    """A stream profile of librealsense with these intrinsics."""

    def __init__(self, model: str, coefficients: list[float], fx: float = 30.0) -> None:
        size, middle = {"width": 32, "height": 18}, {"ppx": 16.0, "ppy": 9.0}
        lens = {"coeffs": coefficients, "model": SimpleNamespace(name=model)}
        self._found = SimpleNamespace(**size, **middle, **lens, fx=fx, fy=30.0)

    def as_video_stream_profile(self) -> Profile:
        return self

    def get_intrinsics(self) -> Any:
        return self._found


def test_a_model_without_coefficients_is_a_straight_lens() -> None:
    assert intrinsics_of(Profile("kannala_brandt4", [0.0] * 5), "front").distortion == "none"


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (Profile("kannala_brandt4", [0.1, 0, 0, 0, 0]), "its lens model kannala_brandt4 is not known"),
        (Profile("none", [0.0] * 5, fx=0.0), r"gives no usable intrinsics \(fx 0.0, fy 30.0\)"),
        (Profile("brown_conrady", [float("nan"), 0, 0, 0, 0]), "gives no usable intrinsics"),
    ],
)
def test_what_cannot_be_used_is_refused(profile: Profile, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        intrinsics_of(profile, "front")

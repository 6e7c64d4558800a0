"""Intrinsics of a stream, as librealsense knows them from the camera's own calibration."""

from __future__ import annotations

from typing import Any

from libra_edge.errors import ConfigError
from libra_edge.intrinsics import Distortion, Intrinsics

MODELS: dict[str, Distortion] = {
    "none": "none",
    "brown_conrady": "brown_conrady",
    "inverse_brown_conrady": "inverse_brown_conrady",
}


def intrinsics_of(profile: Any, camera: str) -> Intrinsics:
    """Of an `rs.stream_profile`. Raises ConfigError for a lens model that is not known here, or numbers without sense.

    librealsense's `rs2_intrinsics`: ppx, ppy in pixels from the middle of the first; coefficients k1, k2, p1, p2, k3.
    """
    found = profile.as_video_stream_profile().get_intrinsics()
    k1, k2, p1, p2, k3 = coefficients = tuple(float(value) for value in found.coeffs)
    model = found.model.name if any(coefficients) else "none"
    if model not in MODELS:
        raise ConfigError(f"camera {camera!r}: its lens model {model} is not known; choose another of its streams")
    try:
        return Intrinsics(
            width=found.width,
            height=found.height,
            fx=found.fx,
            fy=found.fy,
            cx=found.ppx,
            cy=found.ppy,
            distortion=MODELS[model],
            coefficients=(k1, k2, p1, p2, k3),
        )
    except ValueError as error:
        raise ConfigError(
            f"camera {camera!r} gives no usable intrinsics (fx {found.fx}, fy {found.fy}); update its firmware"
        ) from error

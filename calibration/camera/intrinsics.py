"""How a camera's pixels become rays: focal lengths, principal point, distortion."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from libra_edge.calibration.camera.opencv_library import load_opencv
from libra_edge.messages import Float64
from libra_edge.model_spec import Finite, Section

Distortion = Literal["none", "brown_conrady", "inverse_brown_conrady"]
Pixels = Annotated[int, Field(ge=8, le=8192)]


class Intrinsics(Section):
    """Of one stream of a camera. The middle of the picture's first pixel is (0, 0), as in OpenCV and librealsense.

    Attributes:
        fx, fy: focal lengths, pixels.
        cx, cy: principal point, pixels.
        distortion: `brown_conrady` gives distorted pixels from straight rays (OpenCV's model), the inverse one straight
            rays from distorted pixels (librealsense's, of most of its colour cameras).
        coefficients: k1, k2, p1, p2, k3.
    """

    width: Pixels
    height: Pixels
    fx: Annotated[Finite, Field(gt=1, le=100_000)]
    fy: Annotated[Finite, Field(gt=1, le=100_000)]
    cx: Annotated[Finite, Field(ge=-10_000, le=10_000)]
    cy: Annotated[Finite, Field(ge=-10_000, le=10_000)]
    distortion: Distortion = "none"
    coefficients: tuple[Finite, Finite, Finite, Finite, Finite] = (0.0, 0.0, 0.0, 0.0, 0.0)

    @model_validator(mode="after")
    def _straight_has_none(self) -> Intrinsics:
        if self.distortion == "none" and any(self.coefficients):
            raise ValueError("coefficients of a picture without distortion must be zero")
        return self

    @property
    def matrix(self) -> Float64:
        """float64 [3, 3], from rays to pixels."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def straightened(self, pixels: Float64) -> Float64:
        """Where pixels float64 [C, 2] would lie without distortion, in pixels, float64 [C, 2]."""
        if self.distortion == "none" or not any(self.coefficients):
            return pixels
        if self.distortion == "brown_conrady":
            points = load_opencv().undistortPoints(
                pixels.reshape(-1, 1, 2), self.matrix, np.array(self.coefficients), P=self.matrix
            )
            straight: Float64 = np.asarray(points, np.float64).reshape(-1, 2)
            return straight
        rays = (pixels - [self.cx, self.cy]) / [self.fx, self.fy]
        return _polynomial(rays, self.coefficients) * [self.fx, self.fy] + [self.cx, self.cy]

    def projected(self, points: Float64) -> Float64:
        """Pixels, without distortion, float64 [..., 2], of points float64 [..., 3] m in the camera's frame."""
        flat: Float64 = points[..., :2] / points[..., 2:] * [self.fx, self.fy] + [self.cx, self.cy]
        return flat


def _polynomial(rays: Float64, coefficients: tuple[float, ...]) -> Float64:
    """Brown's polynomial of rays float64 [C, 2] (D. C. Brown, Decentering Distortion of Lenses, 1966)."""
    k1, k2, p1, p2, k3 = coefficients
    x, y = rays.T
    square = x * x + y * y
    radial = 1.0 + square * (k1 + square * (k2 + square * k3))
    bent_x = x * radial + 2.0 * p1 * x * y + p2 * (square + 2.0 * x * x)
    bent_y = y * radial + 2.0 * p2 * x * y + p1 * (square + 2.0 * y * y)
    return np.stack([bent_x, bent_y], axis=-1)

"""How a camera's pixels become rays: focal lengths, principal point, distortion."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

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

    @classmethod
    def of_view(cls, width: int, height: int, fov_rad: float) -> Intrinsics:
        """Of a camera without distortion that looks through the middle of its picture; `fov_rad` is horizontal."""
        focal = 0.5 * width / math.tan(0.5 * fov_rad)
        return cls(width=width, height=height, fx=focal, fy=focal, cx=0.5 * (width - 1), cy=0.5 * (height - 1))

    @property
    def matrix(self) -> Float64:
        """float64 [3, 3], from rays to pixels."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def projected(self, points: Float64) -> Float64:
        """Pixels float64 [..., 2] of points float64 [..., 3] m in the camera's frame, distortion left out.

        Camera's frame: x right, y down, z ahead.
        """
        flat: Float64 = points[..., :2] / points[..., 2:] * [self.fx, self.fy] + [self.cx, self.cy]
        return flat

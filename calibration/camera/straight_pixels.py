"""Where pixels would lie if the lens bent nothing, so that all further geometry is a pinhole's."""

from __future__ import annotations

import numpy as np

from libra_edge.calibration.camera.opencv_library import load_opencv
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import Float64


def straightened(pixels: Float64, intrinsics: Intrinsics) -> Float64:
    """Pixels float64 [C, 2] as the lens shows them -> float64 [C, 2] without distortion."""
    if not any(intrinsics.coefficients):
        return pixels
    if intrinsics.distortion == "brown_conrady":
        matrix, coefficients = intrinsics.matrix, np.array(intrinsics.coefficients)
        points = load_opencv().undistortPoints(pixels.reshape(-1, 1, 2), matrix, coefficients, P=matrix)
        straight: Float64 = np.asarray(points, np.float64).reshape(-1, 2)
        return straight
    focal, middle = np.array([intrinsics.fx, intrinsics.fy]), np.array([intrinsics.cx, intrinsics.cy])
    unbent: Float64 = brown_polynomial((pixels - middle) / focal, intrinsics.coefficients) * focal + middle
    return unbent


def brown_polynomial(rays: Float64, coefficients: tuple[float, ...]) -> Float64:
    """Brown's polynomial of rays float64 [C, 2], at depth 1 (D. C. Brown, Decentering Distortion of Lenses, 1966)."""
    k1, k2, p1, p2, k3 = coefficients
    x, y = rays.T
    square = x * x + y * y
    radial = 1.0 + square * (k1 + square * (k2 + square * k3))
    bent_x = x * radial + 2.0 * p1 * x * y + p2 * (square + 2.0 * x * x)
    bent_y = y * radial + 2.0 * p2 * x * y + p1 * (square + 2.0 * y * y)
    return np.stack([bent_x, bent_y], axis=-1)

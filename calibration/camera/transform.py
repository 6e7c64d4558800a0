"""Rigid transforms: where one frame stands in another. Metres and radians; quaternions are (w, x, y, z), w >= 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from libra_edge.messages import Float64

TINY_RAD = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """A frame in its parent: `rotation` float64 [3, 3], `translation` float64 [3] m.

    A point p in the frame is `rotation @ p + translation` in the parent.
    """

    rotation: Float64
    translation: Float64

    def __post_init__(self) -> None:
        self.rotation.setflags(write=False)
        self.translation.setflags(write=False)

    def __matmul__(self, other: Transform) -> Transform:
        """`other`, which stands in this frame, seen from this frame's parent."""
        return Transform(self.rotation @ other.rotation, self.rotation @ other.translation + self.translation)

    @property
    def inverse(self) -> Transform:
        """The parent, seen from the frame."""
        return Transform(self.rotation.T.copy(), -self.rotation.T @ self.translation)

    def apply(self, points: Float64) -> Float64:
        """Points float64 [..., 3] m of the frame, in the parent."""
        moved: Float64 = points @ self.rotation.T + self.translation
        return moved

    @property
    def quaternion(self) -> Float64:
        """float64 [4], (w, x, y, z) with w >= 0, from the rotation's largest component (S. W. Shepperd, 1978)."""
        r = self.rotation
        squares = np.array([np.trace(r), *np.diag(r)])
        largest = int(np.argmax(squares))
        x, y, z = r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]
        if largest == 0:
            parts = np.array([1.0 + squares[0], x, y, z])
        else:
            i, j, k = (largest + shift for shift in (-1, 0, 1))
            j, k = j % 3, k % 3
            parts = np.zeros(4)
            parts[0] = (x, y, z)[i]
            parts[1 + i] = 1.0 + 2.0 * r[i, i] - squares[0]
            parts[1 + j], parts[1 + k] = r[i, j] + r[j, i], r[i, k] + r[k, i]
        parts = parts / np.linalg.norm(parts)
        found: Float64 = -parts if parts[0] < 0 else parts
        return found


IDENTITY = Transform(np.eye(3), np.zeros(3))


def rotation_of_vector(vector: Float64) -> Float64:
    """Rotation matrix float64 [3, 3] about `vector`, float64 [3] rad, by its length (Rodrigues' formula)."""
    angle = float(np.linalg.norm(vector))
    if angle < TINY_RAD:
        return np.eye(3) + cross_matrix(vector)
    across = cross_matrix(vector / angle)
    turned: Float64 = np.eye(3) + math.sin(angle) * across + (1.0 - math.cos(angle)) * across @ across
    return turned


def rotation_of_quaternion(quaternion: Sequence[float]) -> Float64:
    """Rotation matrix float64 [3, 3] of (w, x, y, z), of any length but zero."""
    w, x, y, z = np.asarray(quaternion, np.float64) / np.linalg.norm(quaternion)
    across = cross_matrix(np.array([x, y, z]))
    turned: Float64 = np.eye(3) + 2.0 * w * across + 2.0 * across @ across
    return turned


def cross_matrix(vectors: Float64) -> Float64:
    """The matrices float64 [..., 3, 3] that take the cross product with `vectors`, float64 [..., 3]."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def vector_of_rotation(rotation: Float64) -> Float64:
    """Axis times angle, float64 [3] rad, of a rotation matrix; of a half turn one of its two."""
    quaternion = Transform(rotation, np.zeros(3)).quaternion
    sine = float(np.linalg.norm(quaternion[1:]))
    if sine < TINY_RAD:
        return 2.0 * quaternion[1:]
    vector: Float64 = quaternion[1:] / sine * 2.0 * math.atan2(sine, float(quaternion[0]))
    return vector


def angle_between(first: Float64, second: Float64) -> float:
    """Angle of the turn that leads from one rotation matrix to another, rad."""
    return float(np.linalg.norm(vector_of_rotation(first.T @ second)))


def rotation_nearest(matrix: Float64) -> Float64:
    """The rotation matrix nearest to `matrix`, float64 [3, 3] (G. Wahba's problem, by singular values)."""
    left, _, right = np.linalg.svd(matrix)
    nearest: Float64 = left @ np.diag([1.0, 1.0, float(np.sign(np.linalg.det(left @ right)))]) @ right
    return nearest


def mean_transform(transforms: Sequence[Transform]) -> Transform:
    """Mean translation, and the rotation nearest to the mean of the matrices (R. Hartley et al., 2013)."""
    mean = np.mean([one.rotation for one in transforms], axis=0)
    return Transform(rotation_nearest(mean), np.mean([one.translation for one in transforms], axis=0))

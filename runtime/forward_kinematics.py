"""Where the balls of an arm's links are, and how they move with its joints.

The product of rotations about each joint's axis (R. M. Murray et al., A Mathematical Introduction to Robotic
Manipulation, 1994, ch. 3), Rodrigues' formula for each. Base frame, metres, radians. Arrays are [..., D] in and
[..., B, ...] out, for B balls and any number of arms at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from libra_edge.messages import Float64
from libra_edge.robot import Robot
from libra_edge.workspace import LinkSection


@dataclass(frozen=True, slots=True, eq=False)
class BallsAt:
    """Balls in one pose: `centres` float64 [..., B, 3] m, and by angle `jacobian` float64 [..., B, 3, D] m."""

    centres: Float64
    jacobian: Float64


class ForwardKinematics:
    """Of one arm.

    Attributes:
        radii: float64 [B] m.
        reach: float64 [B, D] m: no ball is ever farther from the axis of a joint than this; 0 for joints beyond it.
    """

    def __init__(self, links: tuple[LinkSection, ...], joint_names: tuple[str, ...]) -> None:
        """`links` from the base to the tip; `joint_names` in the order of the angles."""
        self._joints = [joint_names.index(link.joint) for link in links]
        self._count = len(joint_names)
        axes = np.array([link.axis for link in links], dtype=np.float64)
        self._axes = axes / np.linalg.norm(axes, axis=-1, keepdims=True)
        self._across = _cross_matrices(self._axes)
        self._across_twice = self._across @ self._across
        self._origins = np.array([link.origin_m for link in links], dtype=np.float64)
        balls = [(number, ball) for number, link in enumerate(links) for ball in link.balls_m]
        self._link_of = np.array([number for number, _ in balls])
        self._local = np.array([ball[:3] for _, ball in balls], dtype=np.float64)
        self.radii: Float64 = np.array([ball[3] for _, ball in balls], dtype=np.float64)
        self._turned = np.arange(len(links)) <= self._link_of[:, np.newaxis]
        self.reach = self._reach()

    @classmethod
    def of(cls, robot: Robot) -> ForwardKinematics:
        """Raises ValueError for a robot file without a workspace."""
        if robot.workspace is None:
            raise ValueError(f"robot {robot.name}: its file says nothing of its links")
        return cls(robot.workspace.link, robot.joint_names)

    def centres(self, pose: Float64) -> Float64:
        """Centres of the balls, float64 [..., B, 3], at joint angles `pose`, float64 [..., D]."""
        rotations, origins = self._frames(pose)
        return self._placed(rotations, origins)

    def origins(self, pose: Float64) -> Float64:
        """Where the axes of the joints are, float64 [..., L, 3], from the base to the tip."""
        return self._frames(pose)[1]

    def at(self, pose: Float64) -> BallsAt:
        """The same with their derivatives."""
        rotations, origins = self._frames(pose)
        centres = self._placed(rotations, origins)
        axes = np.matmul(rotations, self._axes[..., np.newaxis])[..., 0]
        arms = centres[..., :, np.newaxis, :] - origins[..., np.newaxis, :, :]
        moved = _cross(axes[..., np.newaxis, :, :], arms) * self._turned[..., np.newaxis]
        jacobian = np.zeros((*centres.shape, self._count))
        jacobian[..., self._joints] = np.swapaxes(moved, -1, -2)
        return BallsAt(centres, jacobian)

    def _frames(self, pose: Float64) -> tuple[Float64, Float64]:
        """Rotation [..., L, 3, 3] and origin [..., L, 3] of every link."""
        angles = pose[..., self._joints, np.newaxis, np.newaxis]
        turns = np.eye(3) + np.sin(angles) * self._across + (1.0 - np.cos(angles)) * self._across_twice
        rotations, origins = np.empty_like(turns), np.empty(turns.shape[:-1])
        rotations[..., 0, :, :], origins[..., 0, :] = turns[..., 0, :, :], self._origins[0]
        for link in range(1, len(self._origins)):
            before = rotations[..., link - 1, :, :]
            np.matmul(before, turns[..., link, :, :], out=rotations[..., link, :, :])
            origins[..., link, :] = origins[..., link - 1, :] + before @ self._origins[link]
        return rotations, origins

    def _placed(self, rotations: Float64, origins: Float64) -> Float64:
        turned = np.matmul(rotations[..., self._link_of, :, :], self._local[..., np.newaxis])[..., 0]
        placed: Float64 = origins[..., self._link_of, :] + turned
        return placed

    def _reach(self) -> Float64:
        lengths = np.linalg.norm(self._origins, axis=-1)
        reach = np.zeros((len(self._local), self._count))
        for ball, (link, local) in enumerate(zip(self._link_of, self._local, strict=True)):
            for before in range(link + 1):
                between = float(lengths[before + 1 : link + 1].sum())
                reach[ball, self._joints[before]] = between + float(np.linalg.norm(local))
        return reach


def _cross_matrices(axes: Float64) -> Float64:
    """The matrices [L, 3, 3] that take the cross product with each axis."""
    x, y, z = axes.T
    zero = np.zeros_like(x)
    return np.moveaxis(np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]), -1, 0)


def _cross(first: Float64, second: Float64) -> Float64:
    """Numpy's own takes five times as long for so few vectors."""
    (ax, ay, az), (bx, by, bz) = np.moveaxis(first, -1, 0), np.moveaxis(second, -1, 0)
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)

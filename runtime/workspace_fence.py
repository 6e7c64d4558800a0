"""The part of the governor that keeps every link above the table and out of the base. Pure functions.

What is kept is this: from any goal that leaves here, all joints may brake as late as their acceleration limits allow,
at whatever ticks, and no ball that stands for a link comes nearer to the table or the base than it may. A braking
joint covers at most v |v| / (2 a) (see governor.py), so all poses on the way lie in a box between the goal and that far
beyond. In this box the distance g of a ball changes by no less than

    sum over joints of min(0, dg/dq * braking distance) - reach / 2 * (sum of braking distances)^2

The first term is the gradient's. The second bounds what it misses: no point of a chain of hinges has a second
derivative longer than the farthest it can be from one of their axes, and the distance to a convex body lies above its
tangents.

The step to a goal is not in that box. Its middle is looked at by itself: a long one could cut the corner of a pillar.

Arrays are [D], or [..., D] to fence many arms at once. K obstacles: the table and the pillars of the base; B balls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from libra_edge.messages import Float64
from libra_edge.robot import Robot
from libra_edge.runtime.forward_kinematics import ForwardKinematics
from libra_edge.workspace import PillarSection

TOLERANCE_M = 1e-7
CHORD_M = 0.5e-3
"""So much nearer than at its ends a link may come in the middle of one step: at 100 Hz a step is too short for it."""
SHARES = np.array([0.5, 0.25, 0.125, 0.0625, 0.03125, 0.0])
"""How much of their way joints get that would carry a link to where it may not go: the largest share that is clear."""


def braking_distance(velocity: Float64, acceleration: Float64) -> Float64:
    """How far a joint goes on, signed rad, if it brakes from `velocity` rad/s at `acceleration` rad/s^2."""
    return velocity * np.abs(velocity) / (2.0 * acceleration)


@dataclass(frozen=True, slots=True, eq=False)
class Tick:
    """From `start`, float64 [..., D] rad, within `dt_s` seconds, braking at `acceleration`, float64 [D] rad/s^2."""

    start: Float64
    dt_s: float
    acceleration: Float64

    def braking(self, goal: Float64) -> Float64:
        """How far joints go on, [..., D] rad, if they brake once they have reached `goal`."""
        return braking_distance((goal - self.start) / self.dt_s, self.acceleration)

    def of(self, arms: NDArray[np.bool_]) -> Tick:
        """The same for some of many arms."""
        return Tick(self.start[arms], self.dt_s, self.acceleration)


@dataclass(frozen=True, slots=True, eq=False)
class WorkspaceState:
    """What the fence remembers from tick to tick.

    Attributes:
        floors: float64 [..., B, K] m, at most 0. An arm that was found where it may not be may stay there, but come no
            deeper; once it has come out it may not go in again.
        pose, distances: float64 [..., D] rad and [..., B, K] m: the last pose whose distances were worked out.
    """

    floors: Float64
    pose: Float64
    distances: Float64


class WorkspaceFence:
    """Of one robot."""

    def __init__(self, kinematics: ForwardKinematics, lowest_m: float, pillars: tuple[PillarSection, ...]) -> None:
        """`lowest_m`: height that no ball may sink below, base frame."""
        self._kinematics = kinematics
        self._lowest = lowest_m
        self._pillars = [(*pillar.middle_m, pillar.radius_m, pillar.top_m) for pillar in pillars]
        self._farthest = kinematics.reach.max(axis=-1)[:, np.newaxis]
        self._moves = (kinematics.reach > 0.0).astype(np.float64)

    @classmethod
    def of(cls, robot: Robot) -> WorkspaceFence | None:
        """None for a robot file that says nothing of links and table."""
        section = robot.workspace
        return None if section is None else cls(ForwardKinematics.of(robot), section.lowest_m, section.base)

    def begin(self, pose: Float64, braking: Float64) -> WorkspaceState:
        """The first goal was `pose`, float64 [..., D] rad, from which braking takes `braking`, [..., D] rad."""
        return self._state(np.full((*pose.shape[:-1], *self._shape), -np.inf), pose, *self._margins(pose, braking)[:2])

    def distances(self, pose: Float64) -> Float64:
        """From every ball to every obstacle, float64 [..., B, K] m, negative where it is inside."""
        return self._apart(self._kinematics.centres(pose))[0]

    def fence_in(
        self, state: WorkspaceState, goal: Float64, fallback: Float64, tick: Tick
    ) -> tuple[Float64, WorkspaceState]:
        """`goal`, float64 [..., D] rad, if all links stay clear, else the best that lies between it and `fallback`.

        `fallback` brakes all joints. Joints that do no harm go on; the others get the largest of some shares.
        """
        if self._is_surely_clear(state, goal, tick.braking(goal)):
            return goal, state
        margins, distances, gradient = self._margins(goal, tick.braking(goal))
        short = (margins < state.floors - TOLERANCE_M) | self._cuts_a_corner(state.floors, goal, tick)
        arms = np.asarray(short.any(axis=(-2, -1)))
        if arms.any():
            step = (goal - fallback)[arms]
            inwards = short[arms][..., np.newaxis] & (gradient[arms] * step[:, np.newaxis, np.newaxis, :] < 0.0)
            shares = np.where(inwards.any(axis=(-3, -2)), SHARES[:, np.newaxis, np.newaxis], 1.0)
            candidates = np.concatenate([fallback[arms] + shares * step, fallback[arms][np.newaxis]])
            goal = goal.copy()
            better = self._first_clear(state.floors[arms], candidates, tick.of(arms))
            goal[arms], margins[arms], distances[arms] = better
        return goal, self._state(state.floors, goal, margins, distances)

    def _first_clear(self, floors: Float64, candidates: Float64, tick: Tick) -> tuple[Float64, Float64, Float64]:
        """Of candidates [S, N, D] the first that is clear, [N, D], its margins and its distances, [N, B, K].

        The last one needs no proof: braking was found clear before.
        """
        margins, distances, _ = self._margins(candidates, tick.braking(candidates))
        short = (margins < floors - TOLERANCE_M) | self._cuts_a_corner(floors, candidates, tick)
        clear = ~np.any(short, axis=(-2, -1))
        clear[-1] = True
        chosen = np.argmax(clear, axis=0), np.arange(candidates.shape[1])
        return candidates[chosen], margins[chosen], distances[chosen]

    def _cuts_a_corner(self, floors: Float64, goal: Float64, tick: Tick) -> NDArray[np.bool_]:
        """Which balls come too near to which obstacles, bool [..., B, K], in the middle of the step to `goal`."""
        return self.distances((tick.start + goal) / 2.0) < floors - CHORD_M

    def _state(self, floors: Float64, pose: Float64, margins: Float64, distances: Float64) -> WorkspaceState:
        return WorkspaceState(np.maximum(floors, np.minimum(margins, 0.0)), pose, distances)

    def _is_surely_clear(self, state: WorkspaceState, goal: Float64, braking: Float64) -> bool:
        """True if no link of any arm can have come so far since distances were last worked out. Cheap."""
        way = np.abs(goal - state.pose) + np.abs(braking)
        nearer = np.matmul(self._kinematics.reach, way[..., np.newaxis])
        return bool(np.all(state.distances - nearer >= state.floors))

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self._kinematics.radii), 1 + len(self._pillars)

    def _margins(self, pose: Float64, braking: Float64) -> tuple[Float64, Float64, Float64]:
        """Least distances [..., B, K] on the way to a standstill; distances and their gradient [..., D] at `pose`."""
        balls = self._kinematics.at(pose)
        distances, outwards = self._apart(balls.centres)
        gradient = np.matmul(outwards, balls.jacobian)
        first = np.minimum(gradient * braking[..., np.newaxis, np.newaxis, :], 0.0).sum(axis=-1)
        way = np.matmul(self._moves, np.abs(braking)[..., np.newaxis])
        missed = 0.5 * self._farthest * way * way
        return distances + first - missed, distances, gradient

    def _apart(self, centres: Float64) -> tuple[Float64, Float64]:
        """Distances [..., B, K] and the directions [..., B, K, 3] in which they grow by 1 m a metre."""
        arms = centres.shape[:-2]
        distances, outwards = np.zeros((*arms, *self._shape)), np.zeros((*arms, *self._shape, 3))
        distances[..., 0], outwards[..., 0, 2] = centres[..., 2] - self._lowest, 1.0
        for number, (x, y, radius, top) in enumerate(self._pillars, start=1):
            aside, above = centres[..., :2] - (x, y), centres[..., 2] - top
            distances[..., number], outwards[..., number, :] = _from_pillar(aside, radius, above)
        return distances - self._kinematics.radii[:, np.newaxis], outwards


def _from_pillar(aside: Float64, radius: float, above: Float64) -> tuple[Float64, Float64]:
    """Signed distance [...] and direction [..., 3] from an upright cylinder without a lower end.

    `aside`: [..., 2] m from its axis; `above`: [...] m over its top.
    """
    from_axis = np.hypot(aside[..., 0], aside[..., 1])
    beside = from_axis - radius
    inside = (beside <= 0.0) & (above <= 0.0)
    nearer_side = beside > above
    sideways = np.where(inside, np.where(nearer_side, beside, 0.0), np.maximum(beside, 0.0))
    upwards = np.where(inside, np.where(nearer_side, 0.0, above), np.maximum(above, 0.0))
    distance = np.where(inside, -1.0, 1.0) * np.hypot(sideways, upwards)
    scale = np.where(distance == 0.0, 1e12, distance)
    radial = aside * (sideways / scale / np.maximum(from_axis, 1e-12))[..., np.newaxis]
    return distance, np.concatenate([radial, (upwards / scale)[..., np.newaxis]], axis=-1)

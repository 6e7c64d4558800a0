"""The scripted expert: sees the simulator's true state, answers with the next goal positions.

Nearly Markov: the phase is inferred anew from the state at every control step, so the expert can label any state a
policy gets itself into. Positions in metres in the world frame, angles in radians.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from libra_edge.drivers.simulation import kinematics
from libra_edge.drivers.simulation.scene import CUBE_HALF
from libra_edge.drivers.simulation.tasks import Task
from libra_edge.drivers.simulation.world import KochCubesWorld
from libra_edge.messages import Float64

MAX_STEP_RAD = np.array([0.15, 0.15, 0.15, 0.20, 0.25, 0.25])
"""How far a goal may lead the previous one, per control step."""

OPEN, CLOSED, TOUCHING, PUSHING = -1.05, -0.34, -0.30, -0.30
"""Goals of the gripper: open; closed on a cube (contact at about -0.45); a blunt tip; two prongs to push with."""
CLOSING_ABOVE = -0.46
"""A gripper goal above this means that the jaw was told to close."""
SETTLED_RAD_S, AJAR = 0.4, -0.68

HOVER_Z, GRASP_Z, LIFT_Z = 0.062, 0.0165, 0.085
TOUCH_Z, PUSH_Z = 2 * CUBE_HALF - 0.002, 0.023
ALIGNED_M, NEAR_M, INSIDE_M = 0.007, 0.012, 0.019
CONE = 3.0
BEHIND_M, CARROT_M = 0.046, 0.03
LANE_BEHIND_M, LANE_WIDTH_M = -0.018, 0.010
LIFT_RANGE, ELBOW_RANGE = (-1.5, 0.58), (-1.55, 1.43)


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Where the grasp point should go, and the gripper's goal."""

    x: float
    y: float
    z: float
    gripper: float


def pitch_at(reach: float) -> float:
    """The hand points almost straight down near the base and leans outwards further out."""
    return -math.radians(float(np.interp(reach, [0.11, 0.15, 0.26], [84.0, 80.0, 47.0])))


class Expert:
    """Plays one task in one world. `goal` returns float64 [6] rad, the goal for the end of the next control step."""

    def __init__(self, world: KochCubesWorld) -> None:
        self._world = world
        self._task: Task = world.task

    def goal(self, previous: Float64) -> Float64:
        """The next goal after `previous`, float64 [6] rad; clipped to MAX_STEP_RAD."""
        target = self._joints(self._waypoint())
        return previous + np.clip(target - previous, -MAX_STEP_RAD, MAX_STEP_RAD)

    def _waypoint(self) -> Waypoint:
        return {"touch": self._touch, "pick up": self._pick, "push": self._push}[self._task.verb]()

    def _joints(self, waypoint: Waypoint) -> Float64:
        """Joint goals of a waypoint; out of reach, the nearest reachable point towards the base is taken."""
        x, y = waypoint.x, waypoint.y
        for shrink in np.linspace(1.0, 0.6, 21):
            px = kinematics.PAN_AXIS_X + (x - kinematics.PAN_AXIS_X) * shrink
            py = y * shrink
            solution = kinematics.solve(px, py, waypoint.z, pitch_at(kinematics.reach_of(px, py)), 0.0)
            if solution is not None and _within(solution[1], LIFT_RANGE) and _within(solution[2], ELBOW_RANGE):
                return np.array([*solution, waypoint.gripper])
        return np.array([*self._world.position[:5], waypoint.gripper])

    def _hand(self) -> Float64:
        point: Float64 = self._world.data.site("grasp").xpos
        return point

    def _pick(self) -> Waypoint:
        cube, hand = self._world.cubes[0], self._hand()
        gap = math.dist(cube[:2], hand[:2])
        inside = gap < INSIDE_M and abs(cube[2] - hand[2]) < INSIDE_M
        lifted = cube[2] > CUBE_HALF + 0.004
        if inside and self._closed() and (self._settled() or lifted):
            return Waypoint(hand[0], hand[1], LIFT_Z, CLOSED)
        if hand[2] < GRASP_Z + 0.006 and gap < NEAR_M:
            return Waypoint(cube[0], cube[1], GRASP_Z, CLOSED)
        return _from_above(cube[0], cube[1], GRASP_Z, gap, OPEN)

    def _closed(self) -> bool:
        return bool(self._world.data.ctrl[5] > CLOSING_ABOVE)

    def _settled(self) -> bool:
        return bool(abs(self._world.velocity[5]) < SETTLED_RAD_S and self._world.position[5] > AJAR)

    def _touch(self) -> Waypoint:
        cube = self._world.cubes[0]
        return _from_above(cube[0], cube[1], TOUCH_Z, math.dist(cube[:2], self._hand()[:2]), TOUCHING)

    def _push(self) -> Waypoint:
        cube, hand = self._world.cubes[0], self._hand()
        bearing = kinematics.bearing_of(cube[0], cube[1])
        outward = np.array([math.cos(bearing), math.sin(bearing)])
        across = np.array([-outward[1], outward[0]])
        offset = hand[:2] - cube[:2]
        along, aside = float(offset @ outward), float(offset @ across)
        if along < LANE_BEHIND_M and abs(aside) < LANE_WIDTH_M and hand[2] < PUSH_Z + 0.012:
            ahead = cube[:2] + outward * (along + CARROT_M)
            return Waypoint(ahead[0], ahead[1], PUSH_Z, PUSHING)
        behind = cube[:2] - outward * BEHIND_M
        return _from_above(behind[0], behind[1], PUSH_Z, math.dist(behind, hand[:2]), PUSHING)


def _from_above(x: float, y: float, floor: float, gap: float, gripper: float) -> Waypoint:
    """Far away stay high, then sink into a cone whose tip is the goal."""
    return Waypoint(x, y, min(HOVER_Z, floor + max(0.0, gap - ALIGNED_M) * CONE), gripper)


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]

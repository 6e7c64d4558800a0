"""The second fence: no goal leaves the servo process that breaks the robot's limits. A pure function.

A goal within all limits passes unchanged, bit for bit. Any other is replaced, per joint, by one that keeps range,
velocity, acceleration, and so slow towards the end of the range that the joint can still stop there. A joint that
pushes too hard gets no goal farther on in that direction. Last, the whole arm: see workspace_fence.py.
The stopping distance from velocity v at the acceleration limit a is taken as v^2 / (2 a). A loop that first slows down
by a dt and then moves needs less than that, whatever its ticks, so the fences never contradict each other.

Arrays are [D], or [..., D] to govern many arms at once.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from libra_edge.messages import Float64, Int64, JointState
from libra_edge.robot import Robot
from libra_edge.runtime.workspace_fence import Tick, WorkspaceFence, WorkspaceState, braking_distance

TOLERANCE = 1e-9
"""Relative: a goal line at exactly a limit must not be touched for the sake of a rounding error."""
STANDS_RAD_S = 0.2
"""About one unit of a servo's velocity register and noise."""


class Fence(enum.IntFlag):
    """What acted on a joint's goal."""

    NONE = 0
    RANGE = 1
    VELOCITY = 2
    ACCELERATION = 4
    BRAKING = 8
    NOT_FINITE = 16
    WORKSPACE = 32
    CURRENT = 64


@dataclass(frozen=True, slots=True, eq=False)
class GovernorLimits:
    """Per joint, float64 [D]: range rad, velocity rad/s, acceleration rad/s^2, current mA (None: not limited).

    `workspace` is the fence around all links at once, None if the robot file does not describe them.
    """

    low: Float64
    high: Float64
    velocity: Float64
    acceleration: Float64
    current: Float64 | None = None
    workspace: WorkspaceFence | None = None

    @classmethod
    def of(cls, robot: Robot) -> GovernorLimits:
        """The limits in the robot file."""
        return cls(
            robot.low,
            robot.high,
            robot.max_velocity,
            robot.max_acceleration,
            robot.max_current,
            WorkspaceFence.of(robot),
        )


@dataclass(frozen=True, slots=True, eq=False)
class GovernorState:
    """What was commanded last: goal float64 [D] rad, its velocity float64 [D] rad/s, and the request behind it,
    float64 [D] rad: a goal that lags behind a moving request catches up with it without running past. `workspace` is
    None until the first tick.
    """

    goal: Float64
    velocity: Float64
    request: Float64
    workspace: WorkspaceState | None = None

    @classmethod
    def standing(cls, pose: Float64) -> GovernorState:
        """At rest at `pose`, float64 [D] rad, finite. One outside the range may be held, and only be left inwards."""
        if not np.all(np.isfinite(pose)):
            raise ValueError("the governor cannot start from a pose that is not finite")
        return cls(pose.copy(), np.zeros_like(pose), pose.copy())


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """Which fences acted: `fences` uint8 [D], each a combination of `Fence`."""

    fences: NDArray[np.uint8]

    @property
    def passed(self) -> bool:
        """True if the goal went through unchanged."""
        return not self.fences.any()

    def acted(self, fence: Fence) -> bool:
        """True if `fence` acted on any joint."""
        return bool(np.any(self.fences & fence))


@dataclass(frozen=True, slots=True, eq=False)
class GovernorDecision:
    """The goal to write, float64 [D] rad, the state to hand in next time, and what was done to the request."""

    goal: Float64
    state: GovernorState
    verdict: Verdict


def govern(
    limits: GovernorLimits, state: GovernorState, goal: Float64, dt_s: float, measured: JointState | None = None
) -> GovernorDecision:
    """Fence in `goal`, float64 [D] rad, asked for `dt_s` seconds (> 0) after the last one.

    `measured` is the arm as it was read last, for its currents. A goal with any value that is not finite is not
    followed at all: every joint slows down to a standstill.
    Raises ValueError for a wrong shape or a `dt_s` that is not positive.
    """
    if goal.shape != state.goal.shape:
        raise ValueError(f"a goal of shape {goal.shape}, expected {state.goal.shape}")
    if not dt_s > 0.0:
        raise ValueError(f"{dt_s} s since the last goal: time must pass")
    finite = np.isfinite(goal)
    in_range = np.minimum(np.maximum(goal, np.minimum(limits.low, state.goal)), np.maximum(limits.high, state.goal))
    request = np.where(finite.all(axis=-1, keepdims=True), in_range, state.goal)
    fences = finite * (in_range != goal) * int(Fence.RANGE) + ~finite * int(Fence.NOT_FINITE)
    pressing = _presses_on(limits, state, request, measured)
    request = np.where(pressing, state.goal, request)
    speed_fences = _speed_fences(limits, state, request, dt_s)
    allowed = request
    if speed_fences.any():
        allowed = np.where(speed_fences == 0, request, _fenced_in(limits, state, request, dt_s))
    clear, workspace = _clear_of_obstacles(limits, state, allowed, dt_s)
    fences = fences | speed_fences | pressing * int(Fence.CURRENT) | (clear != allowed) * int(Fence.WORKSPACE)
    next_state = GovernorState(clear, (clear - state.goal) / dt_s, request, workspace)
    return GovernorDecision(clear, next_state, Verdict(fences.astype(np.uint8)))


def _presses_on(
    limits: GovernorLimits, state: GovernorState, request: Float64, measured: JointState | None
) -> NDArray[np.bool_]:
    """Which joints, [D], push too hard and are asked to go farther on in that direction.

    Only what stands pushes: a joint that moves draws current to speed up.
    """
    if limits.current is None or measured is None or measured.current is None:
        return np.zeros(request.shape, dtype=np.bool_)
    pushes = (np.abs(measured.current) > limits.current) & (np.abs(measured.velocity) < STANDS_RAD_S)
    return pushes & (np.sign(measured.current) * (request - state.goal) > 0.0)


def _clear_of_obstacles(
    limits: GovernorLimits, state: GovernorState, goal: Float64, dt_s: float
) -> tuple[Float64, WorkspaceState | None]:
    """`goal` if no link comes too near to anything, else the nearest that is clear."""
    if limits.workspace is None:
        return goal, None

    tick = Tick(state.goal, dt_s, limits.acceleration)
    going_on = braking_distance(state.velocity, limits.acceleration)
    before = state.workspace or limits.workspace.begin(state.goal, going_on)
    slowed = np.maximum(np.abs(state.velocity) - limits.acceleration * dt_s, 0.0)
    fallback = _not_farther_out(limits, state, state.goal + np.copysign(slowed, state.velocity) * dt_s)
    clear, after = limits.workspace.fence_in(before, goal, fallback, tick)
    return _not_farther_out(limits, state, clear), after


def _speed_fences(limits: GovernorLimits, state: GovernorState, request: Float64, dt_s: float) -> Int64:
    """Which of the three speed fences a step to `request` would break.

    Meeting a moving request at another velocity than its own counts too, if the acceleration limit could not make up
    for the difference in the next step: the goal would run past it.
    """
    wanted = (request - state.goal) / dt_s
    change = limits.acceleration * dt_s + TOLERANCE
    towards_low, towards_high = _braking_velocities(limits, state, dt_s)
    too_fast = np.abs(wanted) > limits.velocity + TOLERANCE
    too_sudden = np.abs(wanted - state.velocity) > change
    runs_past = np.abs(wanted - _request_velocity(limits, state, request, dt_s)) > change
    too_late = (wanted < towards_low - TOLERANCE) | (wanted > towards_high + TOLERANCE)
    fences: Int64 = too_fast * int(Fence.VELOCITY)
    fences += (too_sudden | runs_past) * int(Fence.ACCELERATION)
    fences += too_late * int(Fence.BRAKING)
    return fences


def _fenced_in(limits: GovernorLimits, state: GovernorState, request: Float64, dt_s: float) -> Float64:
    """The goal, float64 [D] rad, that makes for the request as the three speed fences allow."""
    change = limits.acceleration * dt_s
    towards_low, towards_high = _braking_velocities(limits, state, dt_s)
    slowest = np.maximum(np.maximum(-limits.velocity, state.velocity - change), towards_low)
    fastest = np.minimum(np.minimum(limits.velocity, state.velocity + change), towards_high)
    velocity = np.minimum(np.maximum(_catch_up_velocity(limits, state, request, dt_s), slowest), fastest)
    return _not_farther_out(limits, state, state.goal + velocity * dt_s)


def _not_farther_out(limits: GovernorLimits, state: GovernorState, goal: Float64) -> Float64:
    """Within the range, or between it and where a joint outside of it stands."""
    outermost_low = np.minimum(limits.low, state.goal)
    outermost_high = np.maximum(limits.high, state.goal)
    return np.minimum(np.maximum(goal, outermost_low), outermost_high)


def _braking_velocities(limits: GovernorLimits, state: GovernorState, dt_s: float) -> tuple[Float64, Float64]:
    """The fastest velocities towards either end of the range, float64 [D] rad/s each, that still let the joint stop."""
    room_low = np.maximum(state.goal - limits.low, 0.0)
    room_high = np.maximum(limits.high - state.goal, 0.0)
    return -_stoppable(room_low, limits.acceleration, dt_s), _stoppable(room_high, limits.acceleration, dt_s)


def _stoppable(distance: Float64, acceleration: Float64, dt_s: float) -> Float64:
    """The v >= 0 with v dt + v^2 / (2 a) = distance: one more step at v, then braking, ends at the distance."""
    change = acceleration * dt_s
    return np.sqrt(change * change + 2.0 * acceleration * distance) - change


def _catch_up_velocity(limits: GovernorLimits, state: GovernorState, request: Float64, dt_s: float) -> Float64:
    """The velocity that reaches a request moving as it moved last, and meets it at its own velocity."""
    request_velocity = _request_velocity(limits, state, request, dt_s)
    gap = request - state.goal - request_velocity * dt_s
    return request_velocity + np.sign(gap) * _stoppable(np.abs(gap), limits.acceleration, dt_s)


def _request_velocity(limits: GovernorLimits, state: GovernorState, request: Float64, dt_s: float) -> Float64:
    """float64 [D] rad/s; a leap counts as the fastest motion allowed."""
    return np.minimum(np.maximum((request - state.request) / dt_s, -limits.velocity), limits.velocity)

"""The governor: what passes, what is fenced in, and that nothing ever gets past it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from libra_edge.messages import Float64
from libra_edge.robot import open_robot
from libra_edge.runtime.governor import Fence, GovernorDecision, GovernorLimits, GovernorState, govern

DT_S = 0.01
ROBOT = open_robot("koch-sim")
LIMITS = replace(GovernorLimits.of(ROBOT), workspace=None)
"""Of the joints alone; the fence around the links has tests of its own."""
ONE = GovernorLimits(np.array([-1.0]), np.array([1.0]), np.array([2.0]), np.array([20.0]))
SLACK = 1e-6
"""Of velocities and accelerations, for rounding: positions are exact."""


def one_joint(goal: float, state: GovernorState | None = None) -> GovernorDecision:
    return govern(ONE, state or GovernorState.standing(np.zeros(1)), np.array([goal]), DT_S)


def follow(goals: Float64, limits: GovernorLimits = ONE, dt_s: float = DT_S) -> Float64:
    """The goals let through, [T, D], for those asked for."""
    state = GovernorState.standing(np.zeros_like(goals[0]))
    allowed = []
    for goal in goals:
        decision = govern(limits, state, goal, dt_s)
        state = decision.state
        allowed.append(decision.goal)
    return np.array(allowed)


def test_a_smooth_path_within_the_limits_passes_bit_for_bit() -> None:
    time_s = np.arange(0.0, 6.0, DT_S)[:, None]
    middle, reach = (LIMITS.low + LIMITS.high) / 2, (LIMITS.high - LIMITS.low) / 2
    asked = middle + 0.9 * reach * np.sin(time_s * 0.8 * LIMITS.velocity / reach)
    state = GovernorState.standing(asked[0])
    velocity = (asked[1] - asked[0]) / DT_S
    state = GovernorState(state.goal, velocity, asked[0])
    for goal in asked[1:]:
        decision = govern(LIMITS, state, goal, DT_S)
        assert decision.verdict.passed
        np.testing.assert_array_equal(decision.goal, goal)
        state = decision.state


def test_a_line_at_exactly_the_velocity_limit_passes() -> None:
    state = GovernorState(np.array([-0.5]), np.array([2.0]), np.array([-0.5]))
    for i in range(1, 20):
        decision = one_joint(-0.5 + i * 2.0 * DT_S, state)
        assert decision.verdict.passed
        state = decision.state


def test_each_fence_names_itself() -> None:
    assert one_joint(0.001).verdict.passed
    assert one_joint(0.015).verdict.fences[0] == Fence.ACCELERATION
    assert one_joint(0.021).verdict.acted(Fence.VELOCITY)
    assert one_joint(5.0).verdict.acted(Fence.RANGE)
    near_the_end = GovernorState(np.array([0.95]), np.array([1.4]), np.array([0.95]))
    assert one_joint(0.965, near_the_end).verdict.fences[0] == Fence.BRAKING
    assert one_joint(np.nan).verdict.fences[0] == Fence.NOT_FINITE


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_not_finite_stops_every_joint(poison: float) -> None:
    state = GovernorState.standing(ROBOT.rest)
    goal = ROBOT.rest + 0.001
    goal[3] = poison
    decision = govern(LIMITS, state, goal, DT_S)
    np.testing.assert_array_equal(decision.goal, ROBOT.rest)
    assert decision.verdict.fences[3] == Fence.NOT_FINITE
    assert decision.verdict.fences[0] == Fence.NONE


def test_not_a_number_while_moving_brakes_at_the_acceleration_limit() -> None:
    state = GovernorState(np.zeros(1), np.array([1.5]), np.zeros(1))
    speeds = []
    for _ in range(10):
        state = one_joint(np.nan, state).state
        speeds.append(float(state.velocity[0]))
    np.testing.assert_allclose(speeds[:8], [1.3, 1.1, 0.9, 0.7, 0.5, 0.3, 0.1, 0.0], atol=1e-9)
    assert speeds[9] == 0.0


def test_a_leap_is_reached_without_running_past_it() -> None:
    allowed = follow(np.full((120, 1), 0.7))
    assert allowed.max() == 0.7
    assert allowed[-1, 0] == 0.7
    assert np.argmax(allowed >= 0.7) * DT_S < 0.7 / 2.0 + 2.0 / 20.0 + 5 * DT_S


def test_a_moving_request_that_starts_at_speed_is_caught_up_with() -> None:
    asked = np.minimum(np.arange(1, 61)[:, None] * 1.2 * DT_S, 0.9)
    allowed = follow(asked)
    np.testing.assert_array_equal(allowed[20:60], asked[20:60])


def test_the_end_of_the_range_is_reached_and_never_passed() -> None:
    allowed = follow(np.full((200, 1), 3.0))
    assert allowed.max() <= 1.0
    assert allowed[-1, 0] == pytest.approx(1.0, abs=1e-6)


def test_a_joint_that_stands_outside_its_range_may_only_come_in() -> None:
    state = GovernorState.standing(np.array([1.3]))
    path = [1.3]
    for asked in [1.3] * 20 + [2.0] * 20 + [1.2] * 40 + [1.4] * 20 + [-2.0] * 400 + [1.4] * 400:
        decision = one_joint(asked, state)
        state = decision.state
        assert decision.verdict.acted(Fence.RANGE) == (asked in {2.0, 1.4, -2.0})
        path.append(float(decision.goal[0]))
    assert set(path[:41]) == {1.3}, "it is neither pulled in nor let out"
    assert set(path[75:101]) == {1.2}, "it comes in as far as it is asked to, and not out again"
    inside = int(np.argmax(np.array(path) <= 1.0))
    assert np.all(np.diff(path[:inside]) <= 0.0)
    assert max(path[inside:]) <= 1.0


@pytest.mark.parametrize("dt_s", [0.0, -0.01, np.nan])
def test_time_must_pass(dt_s: float) -> None:
    with pytest.raises(ValueError, match="time"):
        govern(ONE, GovernorState.standing(np.zeros(1)), np.zeros(1), dt_s)


def test_shapes_must_match() -> None:
    with pytest.raises(ValueError, match="shape"):
        govern(ONE, GovernorState.standing(np.zeros(1)), np.zeros(2), DT_S)
    with pytest.raises(ValueError, match="finite"):
        GovernorState.standing(np.array([np.nan]))


def assert_kept(limits: GovernorLimits, before: GovernorState, decision: GovernorDecision, dt_s: float) -> None:
    """Range, velocity, acceleration, and the distance needed to stop, for every joint of every arm."""
    state = decision.state
    assert np.all(np.isfinite(decision.goal))
    assert np.all((limits.low <= decision.goal) & (decision.goal <= limits.high))
    assert np.all(np.abs(state.velocity) <= limits.velocity + SLACK)
    assert np.all(np.abs(state.velocity - before.velocity) <= limits.acceleration * dt_s + SLACK)
    stopping = state.velocity**2 / (2.0 * limits.acceleration)
    assert np.all(decision.goal + np.where(state.velocity > 0, stopping, 0) <= limits.high + SLACK)
    assert np.all(decision.goal - np.where(state.velocity < 0, stopping, 0) >= limits.low - SLACK)


def wild_requests(rng: np.random.Generator, before: Float64) -> Float64:
    """Every habit of a broken policy, mixed over the arms: wanders, leaps, ends of the range, far out, NaN and inf."""
    kind = rng.integers(0, 6, size=(len(before), 1))
    leaps = rng.uniform(LIMITS.low, LIMITS.high, size=before.shape)
    wander = before + rng.normal(scale=0.05, size=before.shape)
    ends = np.where(rng.random(before.shape) < 0.5, LIMITS.low, LIMITS.high)
    far = rng.normal(scale=1e3, size=before.shape)
    poison = np.where(rng.random(before.shape) < 0.2, rng.choice([np.nan, np.inf, -np.inf], size=before.shape), wander)
    return np.select([kind == 0, kind == 1, kind == 2, kind == 3], [leaps, ends, far, poison], wander)


def test_nothing_gets_past_it_in_a_hundred_thousand_random_sequences_of_a_joint() -> None:
    rng = np.random.default_rng(7)
    arms, steps = 17_000, 20
    state = GovernorState.standing(rng.uniform(LIMITS.low, LIMITS.high, size=(arms, len(LIMITS.low))))
    for _ in range(steps):
        dt_s = float(rng.uniform(0.004, 0.03))
        decision = govern(LIMITS, state, wild_requests(rng, state.goal), dt_s)
        assert_kept(LIMITS, state, decision, dt_s)
        state = decision.state


@settings(deadline=None, max_examples=60)
@given(
    requests=arrays(np.float64, st.tuples(st.integers(1, 40), st.just(1)), elements=st.floats(width=64)),
    ticks=st.lists(st.floats(0.001, 0.05), min_size=40, max_size=40),
    limits=st.tuples(st.floats(0.1, 6.0), st.floats(0.5, 12.0), st.floats(1.0, 200.0)),
)
def test_nothing_gets_past_it_for_any_limits(
    requests: Float64, ticks: list[float], limits: tuple[float, float, float]
) -> None:
    reach, velocity, acceleration = (np.array([value]) for value in limits)
    fences = GovernorLimits(-reach, reach, velocity, acceleration)
    state = GovernorState.standing(np.zeros(1))
    for request, dt_s in zip(requests, ticks, strict=False):
        decision = govern(fences, state, request, dt_s)
        assert_kept(fences, state, decision, dt_s)
        state = decision.state

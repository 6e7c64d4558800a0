"""Every link above the table and out of the base, whatever is asked for, at whatever ticks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from libra_edge.messages import Float64, JointState
from libra_edge.robot import open_robot
from libra_edge.runtime.governor import Fence, GovernorLimits, GovernorState, govern
from libra_edge.runtime.workspace_fence import WorkspaceFence, _from_pillar
from libra_edge.workspace import PillarSection

DT_S = 0.01
ROBOT = open_robot("koch-sim")
LIMITS = GovernorLimits.of(ROBOT)
assert LIMITS.workspace is not None
FENCE: WorkspaceFence = LIMITS.workspace
SAG_M = 1e-3
"""Between two goals the arm moves along a chord; a link may cut a corner by its height over that chord."""
REACHING = np.radians([3.0, -34.5, -27.7, -61.9, 0.0, -30.0])
"""Stretched forward, the hand pointing down, 2 cm above where it must stop."""


def follow(state: GovernorState, goal: Float64, ticks: int) -> Iterator[tuple[GovernorState, Fence]]:
    for _ in range(ticks):
        decision = govern(LIMITS, state, goal, DT_S)
        state = decision.state
        yield state, Fence(int(np.bitwise_or.reduce(decision.verdict.fences)))


def lowest(pose: Float64) -> float:
    return float(FENCE.distances(pose)[..., 0].min())


def test_a_goal_in_the_table_is_stopped_at_the_fence_and_turning_goes_on() -> None:
    goal = REACHING + np.radians([40.0, -30.0, 0.0, 0.0, 0.0, 0.0])
    assert lowest(REACHING) > 0.01
    assert lowest(goal) < -0.05
    states = list(follow(GovernorState.standing(REACHING), goal, 150))
    heights = [lowest(state.goal) for state, _ in states]
    assert min(heights) >= 0.0
    assert heights[-1] < 1e-3
    last, fences = states[-1]
    assert fences & Fence.WORKSPACE
    assert last.goal[0] == goal[0]


def test_leaving_the_table_is_not_slowed_down() -> None:
    down = REACHING + np.radians([0.0, -30.0, 0.0, 0.0, 0.0, 0.0])
    (standing, _), up = list(follow(GovernorState.standing(REACHING), down, 200))[-1], REACHING
    free = GovernorState.standing(standing.goal)
    unfenced = GovernorLimits(LIMITS.low, LIMITS.high, LIMITS.velocity, LIMITS.acceleration)
    state = GovernorState(standing.goal, np.zeros(6), standing.goal, standing.workspace)
    for _ in range(10):
        free, state = govern(unfenced, free, up, DT_S).state, govern(LIMITS, state, up, DT_S).state
        np.testing.assert_array_equal(state.goal, free.goal)


def test_an_arm_found_in_the_table_may_stay_and_come_out_but_go_no_deeper() -> None:
    inside = REACHING + np.radians([0.0, -25.0, 0.0, 0.0, 0.0, 0.0])
    depth = lowest(inside)
    assert depth < -0.02
    deeper = [lowest(state.goal) for state, _ in follow(GovernorState.standing(inside), inside - 0.2, 50)]
    assert min(deeper) >= depth - 1e-6
    out = list(follow(GovernorState.standing(inside), REACHING, 200))
    np.testing.assert_allclose(out[-1][0].goal, REACHING, atol=1e-6)
    back = [lowest(state.goal) for state, _ in follow(out[-1][0], inside, 200)]
    assert min(back) >= 0.0


def test_the_hand_stays_out_of_the_base() -> None:
    up = np.radians([124.0, 20.0, 23.0, 104.0, 60.0, -63.0])
    into = np.radians([124.0, 20.0, 83.0, 104.0, 60.0, -63.0])
    assert FENCE.distances(up).min() > 0.01
    assert FENCE.distances(into)[..., 1:].min() < -0.005
    states = list(follow(GovernorState.standing(up), into, 300))
    assert min(FENCE.distances(state.goal).min() for state, _ in states) >= 0.0
    assert states[-1][1] & Fence.WORKSPACE


def wild_goals(rng: np.random.Generator, before: Float64) -> Float64:
    """Leaps anywhere, wanders, ends of the range, and dives straight down, mixed over the arms."""
    kind = rng.integers(0, 4, size=(len(before), 1))
    leaps = rng.uniform(LIMITS.low, LIMITS.high, size=before.shape)
    ends = np.where(rng.random(before.shape) < 0.5, LIMITS.low, LIMITS.high)
    dives = before + np.array([0.0, -1.0, 0.5, -0.5, 0.0, 0.0]) * rng.random((len(before), 1))
    wanders = before + rng.normal(scale=0.1, size=before.shape)
    return np.select([kind == 0, kind == 1, kind == 2], [leaps, ends, dives], wanders)


def assert_sequences_stay_clear(sequences: int, ticks: int, seed: int) -> None:
    """Random sequences at random ticks: clear at every goal, between goals, and while braking from any of them."""
    rng = np.random.default_rng(seed)
    state = GovernorState.standing(rng.uniform(LIMITS.low, LIMITS.high, size=(sequences, len(LIMITS.low))))
    floors = np.minimum(FENCE.distances(state.goal), 0.0)
    slow, held = rng.random((sequences, 1)) < 0.5, wild_goals(rng, state.goal)
    for _ in range(ticks):
        held = np.where(slow & (rng.random((sequences, 1)) < 0.9), held, wild_goals(rng, state.goal))
        before, state = state, govern(LIMITS, state, held, float(rng.uniform(0.004, 0.03))).state
        distances = FENCE.distances(state.goal)
        assert np.all(distances >= floors - 1e-6)
        assert np.all(FENCE.distances((before.goal + state.goal) / 2.0) >= floors - SAG_M)
        assert np.all(np.abs(state.velocity - before.velocity) <= LIMITS.acceleration * 0.03 + 1e-6)
    while np.any(state.velocity != 0.0):
        state = govern(LIMITS, state, np.full_like(state.goal, np.nan), float(rng.uniform(0.004, 0.03))).state
        assert np.all(FENCE.distances(state.goal) >= floors - 1e-6)


def test_no_link_gets_past_it_in_random_sequences() -> None:
    assert_sequences_stay_clear(sequences=1_500, ticks=25, seed=11)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_no_link_gets_past_it_in_a_million_random_sequences() -> None:
    for seed in range(200):
        assert_sequences_stay_clear(sequences=5_000, ticks=12, seed=1_000 + seed)


def test_distance_and_direction_of_a_pillar() -> None:
    radius, top = 0.03, 0.07
    rng = np.random.default_rng(5)
    points = rng.uniform([-0.1, -0.1, -0.05], [0.1, 0.1, 0.15], size=(300, 3))
    angles, heights, shares = np.linspace(0, 2 * np.pi, 721), np.linspace(-0.3, top, 371), np.linspace(0, 1, 61)
    side = [(radius * np.cos(a), radius * np.sin(a), z) for a in angles for z in heights]
    lid = [(radius * s * np.cos(a), radius * s * np.sin(a), top) for a in angles for s in shares]
    surface = np.array(side + lid)
    distance, outwards = _from_pillar(points[:, :2], radius, points[:, 2] - top)
    inside = (np.hypot(points[:, 0], points[:, 1]) < radius) & (points[:, 2] < top)
    for point, found, within in zip(points, distance, inside, strict=True):
        assert abs(found) == pytest.approx(np.linalg.norm(surface - point, axis=1).min(), abs=1e-3)
        assert (found < 0.0) == within
    step = 1e-7
    ahead = points + step * outwards
    further, _ = _from_pillar(ahead[:, :2], radius, ahead[:, 2] - top)
    np.testing.assert_allclose((further - distance) / step, 1.0, atol=1e-3)


def test_a_gripper_that_squeezes_gets_no_goal_farther_on() -> None:
    pose = ROBOT.rest
    closing, opening = pose.copy(), pose.copy()
    closing[5] += 0.1
    opening[5] -= 0.1
    current = np.array([np.nan, np.nan, 0.0, 0.0, 0.0, 481.0])
    squeezing = JointState(pose, np.zeros(6), 0, current)
    state = GovernorState.standing(pose)
    stopped = govern(LIMITS, state, closing, DT_S, squeezing)
    np.testing.assert_array_equal(stopped.goal, pose)
    assert stopped.verdict.fences[5] == Fence.CURRENT
    assert govern(LIMITS, state, opening, DT_S, squeezing).goal[5] < pose[5]
    gentle = JointState(pose, np.zeros(6), 0, np.where(np.isnan(current), current, 470.0))
    assert govern(LIMITS, state, closing, DT_S, gentle).goal[5] > pose[5]
    moving = JointState(pose, np.full(6, 1.0), 0, current)
    assert govern(LIMITS, state, closing, DT_S, moving).goal[5] > pose[5]


def test_a_fence_can_be_described_without_a_base() -> None:
    bare = WorkspaceFence(FENCE._kinematics, -0.005, ())
    assert bare.distances(REACHING).shape[-1] == 1
    assert PillarSection(middle_m=(0.0, 0.0), radius_m=0.03, top_m=0.07).radius_m == 0.03

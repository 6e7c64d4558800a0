"""The trajectory: knots, late and early chunks, exhaustion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libra_edge.messages import ActionChunk, Float64
from libra_edge.runtime.trajectory import MAX_TRACKS, Trajectory

STEP_NS = 100_000_000
STANDING = np.array([0.0, 1.0])


def make_chunk(rows: object, start_ns: int, chunk_id: int = 1, plan_age_steps: int = 2) -> ActionChunk:
    positions = np.array(rows, dtype=np.float64)
    return ActionChunk(chunk_id, positions, start_ns // STEP_NS, start_ns, STEP_NS, 9, plan_age_steps, start_ns - 7)


def started(now_ns: int = 0) -> Trajectory:
    trajectory = Trajectory(2)
    trajectory.start(STANDING, now_ns)
    return trajectory


def goals(trajectory: Trajectory, *times_ns: int) -> Float64:
    return np.array([trajectory.sample(time_ns).goal for time_ns in times_ns])


def test_before_the_first_chunk_it_stands_at_the_pose_and_is_exhausted() -> None:
    point = started().sample(5 * STEP_NS)
    np.testing.assert_array_equal(point.goal, STANDING)
    assert (point.chunk_id, point.plan_age_steps, point.captured_ns, point.exhausted) == (None, None, None, True)


def test_each_row_is_reached_bit_for_bit_at_the_end_of_its_control_step() -> None:
    trajectory = started()
    rows = np.random.default_rng(0).normal(size=(5, 2))
    assert trajectory.accept(make_chunk(rows, start_ns=0), 0)
    for i in range(5):
        np.testing.assert_array_equal(trajectory.sample((i + 1) * STEP_NS).goal, rows[i])


def test_the_first_chunk_ramps_from_the_pose_and_from_rest() -> None:
    """With one row: the cubic that leaves with slope 0 and arrives with slope 1 a step, s^2 (2 - s)."""
    trajectory = started()
    trajectory.accept(make_chunk([[1.0, 2.0]], start_ns=0), 0)
    shares = np.array([0.0, 0.25, 0.5, 0.75])
    expected = STANDING + (shares**2 * (2.0 - shares))[:, np.newaxis]
    np.testing.assert_allclose(goals(trajectory, *(int(share * STEP_NS) for share in shares)), expected)


def test_a_line_at_even_speed_stays_one() -> None:
    trajectory = started()
    trajectory.accept(make_chunk([[1, 1], [2, 1], [3, 1]], start_ns=0, chunk_id=1), 0)
    trajectory.accept(make_chunk([[4, 1], [5, 1]], start_ns=3 * STEP_NS, chunk_id=2), STEP_NS)
    times = np.arange(STEP_NS, 5 * STEP_NS, STEP_NS // 10)
    np.testing.assert_allclose(goals(trajectory, *times.tolist())[:, 0], times / STEP_NS)


def test_it_runs_past_no_row_at_which_it_turns() -> None:
    rows = np.array([[0.5, 0], [2.0, 0], [2.0, 0], [1.0, 0], [0.9, 0]])
    trajectory = started()
    trajectory.accept(make_chunk(rows, start_ns=0), 0)
    line = goals(trajectory, *range(0, 5 * STEP_NS + 1, STEP_NS // 20))[:, 0]
    assert line.max() == 2.0
    assert np.all(np.diff(line[:41]) >= 0.0)
    assert np.all(np.diff(line[60:]) <= 0.0)


def test_facts_about_the_chunk_in_use_come_with_every_goal() -> None:
    trajectory = started()
    trajectory.accept(make_chunk([[1, 1], [2, 2]], start_ns=STEP_NS, chunk_id=4), 0)
    assert trajectory.sample(STEP_NS - 1).chunk_id is None
    first, second, after = (trajectory.sample(t) for t in (STEP_NS, 2 * STEP_NS, 9 * STEP_NS))
    assert (first.chunk_id, first.plan_age_steps, first.captured_ns) == (4, 2, STEP_NS - 7)
    assert second.plan_age_steps == 3
    assert after.plan_age_steps == 3


def test_after_the_last_knot_it_is_exhausted_and_holds_the_last_goal() -> None:
    trajectory = started()
    trajectory.accept(make_chunk([[1, 1], [2, 2]], start_ns=0), 0)
    assert not trajectory.sample(2 * STEP_NS).exhausted
    assert trajectory.sample(2 * STEP_NS + 1).exhausted
    coming_to_rest = goals(trajectory, *range(2 * STEP_NS, 3 * STEP_NS, STEP_NS // 20))
    assert np.all(coming_to_rest >= 2.0)
    assert coming_to_rest.max() == pytest.approx(2.0 + 4.0 / 27.0, abs=1e-3)
    after = trajectory.sample(3 * STEP_NS)
    assert after.exhausted
    np.testing.assert_array_equal(after.goal, [2, 2])


def test_a_chunk_for_the_future_leaves_the_old_one_in_force_until_it_starts() -> None:
    trajectory, alone = started(), started()
    old = make_chunk([[1, 0], [2, 0], [3, 0], [4, 0]], start_ns=0, chunk_id=1)
    trajectory.accept(old, 0)
    alone.accept(old, 0)
    trajectory.accept(make_chunk([[-1, 5], [-2, 5]], start_ns=2 * STEP_NS, chunk_id=2), STEP_NS // 2)
    before = range(STEP_NS // 2, 2 * STEP_NS, STEP_NS // 7)
    np.testing.assert_array_equal(goals(trajectory, *before), goals(alone, *before))
    np.testing.assert_array_equal(trajectory.sample(2 * STEP_NS).goal, [2, 0])
    np.testing.assert_array_equal(trajectory.sample(3 * STEP_NS).goal, [-1, 5])


def test_two_chunks_for_the_future_take_over_one_after_the_other() -> None:
    trajectory = started()
    for i in (1, 2):
        trajectory.accept(make_chunk([[i, i]] * 3, start_ns=i * STEP_NS, chunk_id=i), 0)
    assert [trajectory.sample(t * STEP_NS).chunk_id for t in (0, 1, 2, 3)] == [None, 1, 2, 2]


def test_a_newer_chunk_drops_whatever_was_announced_for_later() -> None:
    trajectory = started()
    trajectory.accept(make_chunk([[9, 9]], start_ns=2 * STEP_NS, chunk_id=1), 0)
    trajectory.accept(make_chunk([[1, 1]] * 4, start_ns=STEP_NS, chunk_id=2), 0)
    assert trajectory.sample(3 * STEP_NS).chunk_id == 2


def test_a_late_chunk_is_joined_now_and_reached_within_one_control_step() -> None:
    trajectory = started()
    trajectory.accept(make_chunk([[1, 1], [2, 1], [3, 1]], start_ns=0, chunk_id=1), 0)
    late_by = STEP_NS + STEP_NS // 2
    rows = [[-1.0, 0.0], [-2.0, 0.0], [-3.0, 0.0]]
    before = trajectory.sample(late_by).goal
    assert trajectory.accept(make_chunk(rows, start_ns=0, chunk_id=2), late_by)
    np.testing.assert_allclose(trajectory.sample(late_by).goal, before, atol=1e-12)
    half_way = trajectory.sample(2 * STEP_NS).goal
    assert np.all((half_way > rows[1]) & (half_way < before))
    np.testing.assert_array_equal(trajectory.sample(3 * STEP_NS).goal, rows[2])


def test_a_chunk_whose_end_has_passed_is_refused() -> None:
    trajectory = started()
    assert not trajectory.accept(make_chunk([[1, 1]], start_ns=0), STEP_NS)
    np.testing.assert_array_equal(trajectory.sample(STEP_NS).goal, STANDING)


def test_a_flood_of_chunks_for_the_future_is_refused() -> None:
    trajectory = started()
    accepted = [trajectory.accept(make_chunk([[1, 1]], start_ns=i * STEP_NS), 0) for i in range(1, 20)]
    assert accepted.count(True) < MAX_TRACKS
    assert not accepted[-1]


@pytest.mark.parametrize("rows", [[[np.nan, 0.0]], [[np.inf, 0.0]], [[0.0]], [0.0, 0.0], np.zeros((0, 2))])
def test_goals_that_cannot_be_followed_raise(rows: object) -> None:
    with pytest.raises(ValueError, match="goals"):
        started().accept(make_chunk(rows, start_ns=0), -1)


def test_a_chunk_changed_by_its_owner_afterwards_changes_nothing() -> None:
    rows = np.ones((2, 2))
    chunk = make_chunk(rows, start_ns=0)
    trajectory = started()
    trajectory.accept(chunk, 0)
    chunk.positions.setflags(write=True)
    chunk.positions[:] = 99.0
    np.testing.assert_array_equal(trajectory.sample(STEP_NS).goal, [1, 1])


def test_used_before_start_it_says_so() -> None:
    trajectory = Trajectory(2)
    with pytest.raises(ValueError, match="started"):
        trajectory.sample(0)
    with pytest.raises(ValueError, match="started"):
        trajectory.accept(make_chunk([[1, 1]], start_ns=0), 0)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(-250, 250), st.lists(st.floats(-3, 3), min_size=1, max_size=5)),
        min_size=1,
        max_size=8,
    )
)
def test_neither_goal_nor_velocity_jumps_whatever_arrives_when(arrivals: list[tuple[int, int, list[float]]]) -> None:
    """Seen from both sides at each arrival, and followed at a fine grain where chunks take over or run out."""
    trajectory = Trajectory(1)
    trajectory.start(np.zeros(1), 0)
    now_ns, grain_ns = 0, 1_000
    for chunk_id, (wait_ms, lead_ms, rows) in enumerate(arrivals):
        for _ in range(wait_ms // 10):
            now_ns += 10_000_000
            before, here, after = goals(trajectory, now_ns - grain_ns, now_ns, now_ns + grain_ns)[:, 0]
            assert after - here == pytest.approx(here - before, abs=1e-6)
        now_ns += 1_000_000
        before, last = goals(trajectory, now_ns - 2 * grain_ns, now_ns - grain_ns)[:, 0]
        trajectory.accept(make_chunk(np.array(rows)[:, None], now_ns + lead_ms * 1_000_000, chunk_id), now_ns)
        here, after = goals(trajectory, now_ns, now_ns + grain_ns)[:, 0]
        assert here - last == pytest.approx(last - before, abs=1e-6)
        assert after - here == pytest.approx(last - before, abs=1e-6)

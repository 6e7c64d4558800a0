"""When an arm counts as turned, where a cube is moved to, and intervals of times that may never come."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.responsive.intervals import quantile, quantile_interval, summary
from benchmarks.responsive.turning import SHIFT_RAD, first_after, new_place, turned_at
from libra_edge.drivers.simulation.kinematics import bearing_of, reach_of
from libra_edge.messages import Float64

TIMES = np.arange(0.0, 3.0, 0.01)


def line(*knots: tuple[float, float]) -> Float64:
    at, bearings = np.array(knots).T
    return np.asarray(np.interp(TIMES, at, bearings), dtype=np.float64)


def test_a_turn_begins_where_the_goals_leave_their_furthest_point() -> None:
    bearings = line((0.0, 0.0), (0.6, -0.5), (1.2, -0.5), (1.6, -0.1))
    begun = turned_at(TIMES, bearings, moved_s=0.8, side=1)
    assert begun == pytest.approx(0.4 + 0.03, abs=0.011)
    assert turned_at(TIMES, -bearings, moved_s=0.8, side=-1) == begun


def test_on_the_way_to_the_old_place_nothing_has_turned_yet() -> None:
    bearings = line((0.0, 0.0), (1.0, -0.5), (1.5, -0.5), (2.0, -0.1))
    begun = turned_at(TIMES, bearings, moved_s=0.2, side=1)
    assert begun == pytest.approx(1.33, abs=0.011)


def test_a_movement_back_that_is_given_up_does_not_count_as_the_beginning() -> None:
    bearings = line((0.0, -0.5), (1.0, -0.5), (1.2, -0.35), (1.4, -0.5), (2.0, -0.5), (2.4, -0.1))
    begun = turned_at(TIMES, bearings, moved_s=0.5, side=1)
    assert begun == pytest.approx(1.53, abs=0.011)


@pytest.mark.parametrize("far", [-0.9, -0.31])
def test_less_than_half_the_way_or_the_other_way_is_no_turn(far: float) -> None:
    assert turned_at(TIMES, line((0.0, -0.5), (3.0, far)), moved_s=0.5, side=1) is None


def test_what_came_before_the_move_does_not_count() -> None:
    assert turned_at(TIMES, line((0.0, -0.9), (0.5, -0.5)), moved_s=0.6, side=1) is None
    assert turned_at(TIMES, line((0.0, -0.5), (3.0, 0.0)), moved_s=5.0, side=1) is None


def test_the_new_place_is_as_far_away_and_on_the_side_of_the_hand() -> None:
    cubes = np.array([[0.15, 0.10, 0.0125], [0.20, 0.15, 0.0125], [0.05, -0.20, 0.0125]])
    place = new_place(cubes, hand_bearing=0.0)
    assert place is not None
    x, y, side = place
    assert side == -1
    assert reach_of(x, y) == pytest.approx(reach_of(0.15, 0.10))
    assert bearing_of(x, y) == pytest.approx(bearing_of(0.15, 0.10) - SHIFT_RAD)


def test_no_place_is_taken_that_another_cube_is_near() -> None:
    cubes = np.array([[0.15, 0.10, 0.0125], [0.18, 0.05, 0.0125], [0.05, -0.20, 0.0125]])
    assert new_place(cubes, hand_bearing=0.0) is None


def test_the_first_informed_command_rests_on_a_later_picture() -> None:
    assert first_after([10, 20, 3_000_000], [None, 4, 6], moved_ns=5) == pytest.approx(2.999995)
    assert first_after([10, 20], [None, 4], moved_ns=5) is None


def test_the_median_of_fifty_trials_lies_between_the_18th_and_the_32nd() -> None:
    times = [float(rank) for rank in range(1, 51)]
    assert quantile(times, 0.5) == 25.0
    assert quantile_interval(times, 0.5) == (18.0, 32.0)
    # The binomial table by hand: one rank less on either side would be too narrow.
    chances = [math.comb(50, k) / 2**50 for k in range(51)]
    assert sum(chances[18:32]) > 0.95 > max(sum(chances[19:32]), sum(chances[18:31]))


def test_what_never_came_is_later_than_everything() -> None:
    told = summary([3.0, None, 1.0, None])
    assert (told["trials"], told["never"]) == (4, 2)
    assert told["p50"]["value"] == 3.0
    assert told["p90"]["value"] is None


@given(st.integers(1, 80), st.sampled_from([0.5, 0.9]))
def test_intervals_hold_their_quantile_with_95_percent(n: int, q: float) -> None:
    times = [float(rank) for rank in range(1, n + 1)]
    low, high = quantile_interval(times, q)
    value = quantile(times, q)
    assert value is not None
    assert low is not None
    assert low <= value
    below, above = int(low), n + 1 if high is None else int(high)
    chance = sum(math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(below, above))
    assert chance >= 0.95 or (below, above) == (0, n + 1)

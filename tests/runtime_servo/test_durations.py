"""The histogram of durations, the deadlines and the slow glide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libra_edge.runtime.servo_deadlines import Deadlines
from libra_edge.runtime.servo_durations import Durations
from libra_edge.runtime.servo_glide import TOP_SPEED_RAD_S, Glide


@settings(deadline=None)
@given(
    st.lists(st.integers(1_000, 1_900_000_000), min_size=1, max_size=300), st.sampled_from([0.5, 0.9, 0.99, 0.999, 1.0])
)
def test_quantiles_are_right_to_within_a_tenth(durations_ns: list[int], share: float) -> None:
    durations = Durations()
    for duration_ns in durations_ns:
        durations.add(duration_ns)
    exact_us = np.quantile(durations_ns, share, method="inverted_cdf") / 1_000
    found_us = durations.quantile_us(share)
    assert found_us is not None
    assert exact_us * (1 - 1e-9) <= found_us <= exact_us * 1.1


def test_an_empty_histogram_says_so_and_extremes_are_kept() -> None:
    durations = Durations()
    assert durations.summary_us() == {"p50": None, "p90": None, "p99": None, "max": None, "n": 0}
    for duration_ns in (-5, 0, 10**13):
        durations.add(duration_ns)
    assert durations.summary_us()["n"] == 3
    assert durations.summary_us()["max"] == 1e10


def test_deadlines_stay_on_their_grid_and_count_those_passed_over() -> None:
    deadlines = Deadlines(due_ns=1_000, period_ns=100)
    deadlines.advance(1_050)
    assert (deadlines.due_ns, deadlines.missed) == (1_100, 0)
    deadlines.advance(1_200)
    assert (deadlines.due_ns, deadlines.missed) == (1_200, 0)
    deadlines.advance(1_301)
    assert (deadlines.due_ns, deadlines.missed) == (1_400, 1)
    deadlines.advance(1_950)
    assert (deadlines.due_ns, deadlines.missed) == (2_000, 6)


@pytest.mark.parametrize("distance", [0.0, 1e-6, 0.3, -2.5])
def test_a_glide_arrives_exactly_and_never_exceeds_its_speed(distance: float) -> None:
    start, end = np.array([0.1, 1.0]), np.array([0.1 + distance, 1.0])
    glide = Glide(start, end, start_ns=50)
    times = np.linspace(0, glide.duration_ns + 1, 400).astype(int)
    goals = np.array([glide.sample(50 + int(time)).goal for time in times])
    np.testing.assert_array_equal(goals[-1], end)
    np.testing.assert_allclose(goals[0], start, atol=1e-12)
    steps_s = np.diff(times)[np.diff(times) > 0] / 1e9
    speed = np.abs(np.diff(goals[:, 0]))[np.diff(times) > 0] / steps_s
    assert np.all(speed <= TOP_SPEED_RAD_S * 1.001)
    assert glide.sample(50 + glide.duration_ns).exhausted
    assert distance == 0.0 or not glide.sample(50 + glide.duration_ns // 2).exhausted

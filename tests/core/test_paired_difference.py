"""The paired interval: Tango's example figures, McNemar's test at zero, its properties, and how often it is right."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from libra_edge.runtime.paired_difference import PairedDifference
from libra_edge.runtime.success_rate import Z_95

COUNTS = st.integers(0, 1000)
PAIRS = st.builds(PairedDifference, COUNTS, COUNTS, COUNTS, COUNTS).filter(lambda pairs: pairs.episodes > 0)


def test_it_gives_the_figures_of_a_published_example() -> None:
    """Complete response before and after consolidation therapy (Cavo et al., 2012), Tango's interval as in Fagerland,
    Lydersen, Laake: Statistical Analysis of Contingency Tables (2017), chapter 8: -0.0621 (-0.1240 to -0.0054).
    """
    pairs = PairedDifference(both=59, only_first=6, only_second=16, neither=80)
    assert pairs.difference == pytest.approx(-0.0621, abs=5e-5)
    assert pairs.interval == pytest.approx((-0.1240, -0.0054), abs=5e-5)


@given(PAIRS)
def test_it_holds_the_estimate_and_stays_within_bounds(pairs: PairedDifference) -> None:
    low, high = pairs.interval
    assert pairs.difference is not None
    assert -1.0 <= low <= pairs.difference <= high <= 1.0
    assert low < high


@given(PAIRS)
def test_swapping_the_policies_mirrors_it(pairs: PairedDifference) -> None:
    swapped = PairedDifference(pairs.both, pairs.only_second, pairs.only_first, pairs.neither)
    low, high = swapped.interval
    assert (-high, -low) == pytest.approx(pairs.interval, abs=1e-9)


@given(PAIRS, st.integers(2, 20))
def test_more_episodes_of_the_same_kind_make_it_narrower(pairs: PairedDifference, times: int) -> None:
    counts = (pairs.both, pairs.only_first, pairs.only_second, pairs.neither)
    low, high = pairs.interval
    narrower_low, narrower_high = PairedDifference(*(times * count for count in counts)).interval
    assert narrower_high - narrower_low < high - low


@given(PAIRS.filter(lambda pairs: pairs.both > 0))
def test_one_more_episode_lost_moves_it_up(pairs: PairedDifference) -> None:
    worse = PairedDifference(pairs.both - 1, pairs.only_first + 1, pairs.only_second, pairs.neither)
    assert worse.interval[0] > pairs.interval[0]
    assert worse.interval[1] > pairs.interval[1] - 1e-12


@given(PAIRS)
def test_zero_lies_inside_exactly_if_mcnemar_s_test_does_not_reject(pairs: PairedDifference) -> None:
    discordant = pairs.only_first + pairs.only_second
    statistic = (pairs.only_first - pairs.only_second) ** 2 / max(discordant, 1)
    assume(not math.isclose(statistic, Z_95**2, rel_tol=1e-6))
    low, high = pairs.interval
    assert (low <= 0.0 <= high) == (statistic < Z_95**2)


@given(COUNTS, COUNTS)
def test_policies_that_never_differ_leave_an_interval_of_some_width(both: int, neither: int) -> None:
    """Tango's equation then has the roots +-z^2 / (n + z^2)."""
    assume(both + neither > 0)
    edge = Z_95**2 / (both + neither + Z_95**2)
    assert PairedDifference(both=both, neither=neither).interval == pytest.approx((-edge, edge), abs=1e-9)


def test_nine_hundred_episodes_decide_about_three_points() -> None:
    assert PairedDifference(both=900 - 60, only_first=20, only_second=20, neither=20).interval[1] < 0.03
    assert PairedDifference(both=900 - 60, only_first=35, only_second=5, neither=20).interval[1] > 0.03


@functools.cache
def ends(only_first: int, only_second: int) -> tuple[float, float]:
    return PairedDifference(900 - only_first - only_second, only_first, only_second, 0).interval


@pytest.mark.parametrize(("lost", "won"), [(0.02, 0.02), (0.035, 0.015), (0.05, 0.02), (0.2, 0.1)])
def test_in_simulated_sets_of_900_it_covers_the_truth_95_times_in_100(lost: float, won: float) -> None:
    sets = np.random.default_rng(7).multinomial(900, [lost, won, 1 - lost - won], 2000)
    intervals = np.array([ends(int(first), int(second)) for first, second, _ in sets])
    above, below = (lost - won > intervals[:, 1]).mean(), (lost - won < intervals[:, 0]).mean()
    assert above + below == pytest.approx(0.05, abs=0.015), "three standard errors of 2000 sets"
    assert above == pytest.approx(0.025, abs=0.0125)


def test_episodes_are_counted_by_their_two_outcomes() -> None:
    pairs = PairedDifference()
    assert pairs.difference is None
    assert pairs.interval == (-1.0, 1.0)
    outcomes = [(True, True), (True, False), (True, False), (False, True), (False, False), (True, True), (True, True)]
    for first, second in outcomes:
        pairs = pairs.counting(first, second)
    assert pairs == PairedDifference(both=3, only_first=2, only_second=1, neither=1)
    assert (pairs.first.successes, pairs.second.successes, pairs.episodes) == (5, 4, 7)
    assert pairs.difference == pytest.approx(1 / 7)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        PairedDifference(only_first=-1)

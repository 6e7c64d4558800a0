"""Distributions against numpy's quantiles; the estimate against outliers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.runtime.latency import Distribution, RobustEstimate


@given(times=st.lists(st.floats(2e-3, 1e5), min_size=1, max_size=200), q=st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_quantiles_are_right_to_a_percent(times: list[float], q: float) -> None:
    distribution = Distribution()
    for time in times:
        distribution.add(time)
    exact = float(np.quantile(times, q, method="inverted_cdf"))
    assert distribution.quantile(q) == pytest.approx(exact, rel=0.0101)


def test_the_summary_has_the_documented_keys_and_nulls_when_empty() -> None:
    assert Distribution().summary() == {"p50": None, "p90": None, "p99": None, "max": None, "n": 0}
    distribution = Distribution()
    for time in range(1, 101):
        distribution.add(float(time))
    summary = distribution.summary()
    assert summary["max"] == 100.0
    assert summary["n"] == 100
    assert summary["p50"] == pytest.approx(50.0, rel=0.011)


def test_zero_negative_and_enormous_times_are_counted_too() -> None:
    distribution = Distribution()
    for time in (0.0, -3.0, 1e12):
        distribution.add(time)
    assert len(distribution) == 3
    assert distribution.summary()["max"] == 1e12


def test_a_relaxed_estimate_forgets_its_slowest_and_in_the_end_halves() -> None:
    estimate = RobustEstimate(50.0)
    for time in (20.0, 900.0, 400.0):
        estimate.add(time)
    seen = [estimate.value]
    for _ in range(4):
        estimate.relax()
        seen.append(estimate.value)
    assert seen == [900.0, 400.0, 20.0, 10.0, 5.0]


def test_the_estimate_forgets_its_guess_and_shrugs_off_one_outlier() -> None:
    estimate = RobustEstimate(50.0)
    assert estimate.value == 50.0
    for _ in range(19):
        estimate.add(8.0)
    estimate.add(500.0)
    assert estimate.value == 8.0
    for _ in range(3):
        estimate.add(20.0)
    assert estimate.value == 20.0

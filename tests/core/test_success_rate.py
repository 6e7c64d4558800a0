"""Wilson's interval against published values and its own properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.runtime.success_rate import SuccessRate


def test_a_textbook_value() -> None:
    low, high = SuccessRate(81, 263).interval
    assert (low, high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_rate_and_stays_within_zero_and_one(counts: tuple[int, int]) -> None:
    rate = SuccessRate(*counts)
    low, high = rate.interval
    assert rate.rate is not None
    assert 0.0 <= low <= rate.rate + 1e-12
    assert rate.rate - 1e-12 <= high <= 1.0


def test_nothing_played_says_nothing() -> None:
    assert SuccessRate(0, 0).rate is None
    assert SuccessRate(0, 0).interval == (0.0, 1.0)


def test_more_successes_than_episodes_is_refused() -> None:
    with pytest.raises(ValueError, match="3 successes out of 2"):
        SuccessRate(3, 2)


def test_rates_add_up() -> None:
    assert SuccessRate(3, 4) + SuccessRate(1, 6) == SuccessRate(4, 10)

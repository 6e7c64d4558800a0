"""What the servo loop's benchmark makes of its counts."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.servo_loop import FIRST_MINUTE_S, MEMORY_SAMPLES, growth, lateness_us, verdicts
from libra_edge.runtime.servo_durations import Durations

GOOD: dict[str, Any] = {
    "fault": None,
    "p99.9_ratio": 1.9,
    "missed_share": 0.0009,
    "overhead_ms_p50": 0.4,
    "memory": {"policy": {"growth": 0.009}, "servo": {"growth": -0.2}},
}


def test_growth_counts_from_the_first_minute_on() -> None:
    samples = [1_000_000] * FIRST_MINUTE_S + [100_000_000] * MEMORY_SAMPLES + [103_000_000] * MEMORY_SAMPLES
    assert growth(samples) == {"after_a_minute_mb": 100.0, "at_the_end_mb": 103.0, "growth": 0.03}


def test_a_run_that_is_too_short_knows_nothing_of_growth() -> None:
    assert growth([1] * (FIRST_MINUTE_S + 2 * MEMORY_SAMPLES - 1))["growth"] is None


def test_the_worst_thousandth_is_told_from_the_worst_hundredth() -> None:
    late = Durations()
    for count, late_ns in ((985, 50_000), (13, 400_000), (2, 3_000_000)):
        for _ in range(count):
            late.add(late_ns)
    told = lateness_us(late)
    assert told["p99"] == pytest.approx(400, rel=0.1)
    assert told["p99.9"] == pytest.approx(3_000, rel=0.1)


def test_what_holds_is_granted() -> None:
    assert set(verdicts(GOOD).values()) == {True}


@pytest.mark.parametrize(
    ("broken", "verdict"),
    [
        ({"fault": "the bus failed"}, "ran_to_the_end"),
        ({"p99.9_ratio": 2.1}, "p99.9_at_most_twice_bare"),
        ({"missed_share": 0.001}, "missed_under_a_thousandth"),
        ({"overhead_ms_p50": 0.5}, "overhead_p50_under_half_a_ms"),
        ({"memory": {"policy": {"growth": 0.0}, "servo": {"growth": 0.01}}}, "memory_flat"),
    ],
)
def test_what_does_not_hold_is_not(broken: dict[str, Any], verdict: str) -> None:
    told = verdicts({**GOOD, **broken})
    assert [name for name, holds in told.items() if not holds] == [verdict]


def test_unknown_growth_is_no_verdict() -> None:
    assert verdicts({**GOOD, "memory": {"policy": {"growth": 0.0}, "servo": {"growth": None}}})["memory_flat"] is None

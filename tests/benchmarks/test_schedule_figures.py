"""What the schedules' benchmark makes of its runs."""

from __future__ import annotations

import pytest

from benchmarks.schedules import CONTENTIONS, figures_of, reaches, where_it_stops_paying
from benchmarks.timed.timed_run import Setting, play
from libra_edge.runtime.schedule import Mode

RISING = [100.0 + 10.0 * index for index in range(len(CONTENTIONS))]


@pytest.mark.parametrize(("bound", "contention"), [(99.0, 0.0), (115.0, 0.15), (195.0, 0.95), (200.0, None)])
def test_where_a_bound_is_passed(bound: float, contention: float | None) -> None:
    assert reaches(RISING, bound) == pytest.approx(contention)


def test_latency_above_serial_and_rate_below_it_are_told_apart() -> None:
    serial = {"latency_ms": 145.0, "latency_max_ms": 175.0, "chunks_a_second": 3.0}
    rows = [{"latency_ms": late, "chunks_a_second": 4.0 - late / 200} for late in RISING]
    told = where_it_stops_paying({"serial": [serial], "at once": rows})["at once"]
    assert told["mean_above_serial_mean"] == pytest.approx(0.45)
    assert told["mean_above_serial_new_plan"] == pytest.approx(0.75)
    assert told["rate_below_serial"] is None


def test_serial_waits_for_plans_and_async_does_not() -> None:
    serial = figures_of(play(Setting(Mode.SERIAL, 2, seconds=20.0)))
    at_once = figures_of(play(Setting(Mode.ASYNC, 2, seconds=20.0)))
    assert (serial["latency_max_ms"], at_once["latency_max_ms"]) == (152.0, 92.0)
    assert serial["time_without_chunk"] > 0.05 > at_once["time_without_chunk"]
    assert serial["plan_age_max_ms"] == 500.0

"""How exactly capture times are known."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.drivers.realsense.capture_time import CaptureTime, StampDomain, wall_minus_monotonic_ns
from libra_edge.drivers.realsense.mapping_spread import GROUP, KEPT, MappingSpread

PERIOD_NS = 33_333_333
MS = 1_000_000
DELAYS = st.lists(st.integers(0, 80 * MS), min_size=GROUP, max_size=GROUP)


@given(groups=st.lists(DELAYS, min_size=2, max_size=KEPT), offset=st.integers(-(10**15), 10**15))
def test_it_is_the_range_of_the_shortest_ways_whatever_the_clocks_origin(groups: list[list[int]], offset: int) -> None:
    spread = MappingSpread()
    for group in groups:
        for delay in group:
            spread.add(delay + offset)
    shortest = [min(group) for group in groups]
    assert spread.width_ns == max(shortest) - min(shortest)


def test_unknown_before_there_is_something_to_compare() -> None:
    spread = MappingSpread()
    for _ in range(2 * GROUP - 1):
        spread.add(5)
    assert spread.width_ns is None
    spread.add(5)
    assert spread.width_ns == 0


def times_of(
    domain: StampDomain, *, ahead_ns: int = 0, drift: float = 0.0, back_after: int = 60, late_ns: int = 0
) -> CaptureTime:
    """What 60 pictures told, 5 ms on the way, the clock set at 30, and set back later, when the way grows longer."""
    times, start = CaptureTime(), time.monotonic_ns()
    for index in range(60):
        taken = start + index * PERIOD_NS
        stamp = (
            taken
            + round(index * PERIOD_NS * drift)
            + wall_minus_monotonic_ns()
            + (ahead_ns if 30 <= index < back_after else 0)
        )
        times.captured_ns(stamp / 1e6, domain, taken + 5 * MS + (late_ns if index >= back_after else 0))
    return times


def test_a_clock_that_drifts_is_known_less_well() -> None:
    steady, drifting = times_of(StampDomain.HARDWARE), times_of(StampDomain.HARDWARE, drift=1e-3)
    assert steady.uncertainty_ns == pytest.approx(0, abs=MS // 4)
    assert drifting.uncertainty_ns == pytest.approx(50 * PERIOD_NS * 1e-3, abs=MS // 4)


def test_stamps_that_librealsense_carried_over_have_one_too() -> None:
    assert times_of(StampDomain.GLOBAL).uncertainty_ns == pytest.approx(0, abs=MS // 4)


def test_arrival_times_are_no_capture_times() -> None:
    assert times_of(StampDomain.SYSTEM).uncertainty_ns is None


@pytest.mark.parametrize("domain", [StampDomain.HARDWARE, StampDomain.GLOBAL])
def test_it_is_found_anew_when_the_clock_was_set(domain: StampDomain) -> None:
    assert times_of(domain, ahead_ns=10_000 * MS).uncertainty_ns == pytest.approx(0, abs=MS // 4)


def test_a_wall_clock_that_was_set_and_set_back_is_known_by_what_came_since() -> None:
    times = times_of(StampDomain.GLOBAL, ahead_ns=10_000 * MS, back_after=40, late_ns=20 * MS)
    assert times.uncertainty_ns == pytest.approx(0, abs=MS // 4)

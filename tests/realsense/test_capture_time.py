"""Capture times: stamps of every domain land where the picture was taken."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.drivers.realsense.capture_time import (
    BLOCK_NS,
    CaptureTime,
    HardwareClockMap,
    StampDomain,
    wall_minus_monotonic_ns,
)

PERIOD_NS = 33_333_333
MS = 1_000_000
DELAYS = st.lists(st.integers(0, 80 * MS), min_size=1, max_size=60)


@given(delays=DELAYS, origin=st.integers(0, 10**15), offset=st.integers(-(10**15), 10**15))
def test_hardware_stamp_lands_between_capture_and_arrival(delays: list[int], origin: int, offset: int) -> None:
    mapped = HardwareClockMap()
    for index, delay in enumerate(delays):
        taken = origin + index * PERIOD_NS
        captured = mapped.captured_ns(taken + offset, taken + delay)
        assert captured <= taken + delay
        assert captured - taken == min(delays[: index + 1])


@pytest.mark.parametrize("drift", [100e-6, -100e-6])
def test_hardware_clock_that_drifts_is_followed(drift: float) -> None:
    mapped, delay = HardwareClockMap(), 5 * MS
    errors = []
    for index in range(60 * 30):
        taken = index * PERIOD_NS
        errors.append(mapped.captured_ns(round(taken * (1 + drift)), taken + delay) - taken - delay)
    assert max(map(abs, errors)) <= 2 * (BLOCK_NS + PERIOD_NS) * abs(drift) + 1


def test_hardware_clock_that_starts_again_is_mapped_anew() -> None:
    mapped = HardwareClockMap()
    assert mapped.captured_ns(4_294_967_000_000, 10 * MS) == 10 * MS
    assert mapped.captured_ns(1_000, 50 * MS) == 50 * MS


@pytest.mark.parametrize("domain", [StampDomain.GLOBAL, StampDomain.SYSTEM])
def test_wall_clock_stamp_becomes_monotonic(domain: StampDomain) -> None:
    taken = time.monotonic_ns() - 20 * MS
    stamp_ms = (taken + wall_minus_monotonic_ns()) / 1e6
    captured = CaptureTime().captured_ns(stamp_ms, domain, time.monotonic_ns())
    assert captured == pytest.approx(taken, abs=MS)


def test_stamp_from_the_future_is_held_back_to_arrival() -> None:
    arrived = time.monotonic_ns()
    stamp_ms = (arrived + wall_minus_monotonic_ns()) / 1e6 + 500.0
    assert CaptureTime().captured_ns(stamp_ms, StampDomain.GLOBAL, arrived) == arrived

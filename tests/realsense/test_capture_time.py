"""Capture times: stamps of every domain land where the picture was taken."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.drivers.realsense import capture_time
from libra_edge.drivers.realsense.capture_time import (
    BLOCK_NS,
    SETTLING,
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


def dated(times: CaptureTime, taken: int, *, domain: StampDomain, delay: int = 5 * MS, ahead: int = 0) -> int | None:
    """When a picture taken at `taken` is believed to have been taken, its camera's clock being `ahead`."""
    return times.captured_ns((taken + wall_minus_monotonic_ns() + ahead) / 1e6, domain, taken + delay)


@pytest.mark.parametrize("domain", StampDomain)
@pytest.mark.parametrize("ahead", [10_000 * MS, -10_000 * MS, 3_600_000 * MS])
def test_a_clock_that_is_set_is_noticed_once_and_no_picture_is_ever_from_the_future(
    domain: StampDomain, ahead: int
) -> None:
    times, start = CaptureTime(), time.monotonic_ns()
    for index in range(40):
        taken = start + index * PERIOD_NS
        captured = dated(times, taken, domain=domain, ahead=ahead if index >= 20 else 0)
        settling = 20 <= index < 19 + SETTLING
        assert (captured is None) == settling
        if captured is not None:
            assert taken - MS <= captured <= taken + 5 * MS
    assert times.jumps == 1


def test_a_picture_that_was_long_on_the_way_when_the_clock_was_set_is_not_taken_for_fresh() -> None:
    times, start = CaptureTime(), time.monotonic_ns()
    for index in range(20):
        dated(times, start + index * PERIOD_NS, domain=StampDomain.HARDWARE)
    late = start + 20 * PERIOD_NS
    assert dated(times, late, domain=StampDomain.HARDWARE, delay=400 * MS, ahead=10_000 * MS) is None


@pytest.mark.parametrize("by", [3_600_000 * MS, -3_600_000 * MS])
def test_a_wall_clock_that_is_set_changes_no_capture_time(monkeypatch: pytest.MonkeyPatch, by: int) -> None:
    times, start, before = CaptureTime(), time.monotonic_ns(), wall_minus_monotonic_ns()
    for index in range(30):
        if index == 10:
            monkeypatch.setattr(capture_time, "wall_minus_monotonic_ns", lambda: before + by)
        follows = by if index >= 20 else 0  # librealsense needs a while to find the new time
        taken = start + index * PERIOD_NS
        stamp_ms = (taken + before + follows) / 1e6
        assert times.captured_ns(stamp_ms, StampDomain.GLOBAL, taken + 5 * MS) == pytest.approx(taken, abs=MS)
    assert times.jumps == 0


def test_pictures_that_were_held_up_for_long_are_as_old_as_they_say() -> None:
    times, start = CaptureTime(), time.monotonic_ns()
    for index in range(40):
        taken = start + index * PERIOD_NS
        captured = dated(times, taken, domain=StampDomain.GLOBAL, delay=3000 * MS if index >= 5 else 5 * MS)
        assert captured == pytest.approx(taken, abs=MS)
    assert times.jumps == 0


def test_stamp_from_the_future_is_not_believed() -> None:
    times = CaptureTime()
    start = time.monotonic_ns()
    for index in range(2 * SETTLING):
        taken = start + index * PERIOD_NS
        captured = dated(times, taken, domain=StampDomain.GLOBAL, ahead=500 * MS)
        assert (captured is None) == (index < SETTLING - 1)
        assert captured is None or captured <= taken + 5 * MS

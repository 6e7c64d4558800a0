"""Degrees, -100..100 and 0..100 as LeRobot reckons them; the figures were taken from LeRobot 0.4.4 itself."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.calibration import lerobot_units as units
from libra_edge.calibration.arm import JointCalibration

To = Callable[[int, JointCalibration], float]
From = Callable[[float, JointCalibration], int]
PAIRS: list[tuple[To, From]] = [
    (units.to_degrees, units.from_degrees),
    (units.to_range_m100_100, units.from_range_m100_100),
    (units.to_range_0_100, units.from_range_0_100),
]
FROM_LEROBOT = [
    (units.to_degrees, 0, 4095, {0: -180.0, 901: -100.79120879120879, 2047: -0.04395604395604396}),
    (units.to_degrees, 900, 3201, {0: -180.26373626373626, 2047: -0.3076923076923077, 3300: 109.84615384615384}),
    (units.to_range_m100_100, 0, 4095, {901: -55.995115995115995, 2047: -0.024420024420024333}),
    (units.to_range_m100_100, 900, 3201, {0: -100.0, 901: -99.91308126901347, 2047: -0.304215558452853, 3300: 100.0}),
    (units.to_range_0_100, 900, 3201, {0: 0.0, 901: 0.0434593654932638, 2047: 49.84789222077357, 3300: 100.0}),
]
TO_LEROBOT = [
    (units.from_degrees, 0, 4095, {-104.5: 858, -33.3: 1668, 0.0: 2047, 12.34: 2187, 99.99: 3184}),
    (units.from_degrees, 900, 3201, {-104.5: 861, -33.3: 1671, 0.0: 2050, 12.34: 2190, 99.99: 3187}),
    (units.from_range_m100_100, 900, 3201, {-104.5: 900, -33.3: 1667, 0.0: 2050, 12.34: 2192, 99.99: 3200}),
    (units.from_range_0_100, 900, 3201, {-104.5: 900, -33.3: 900, 0.0: 900, 12.34: 1183, 99.99: 3200}),
]
ranges = st.tuples(st.integers(0, 4000), st.integers(1, 4095)).map(lambda pair: swept(pair[0], sum(pair)))


def swept(low: int, high: int) -> JointCalibration:
    return JointCalibration(id=3, drive_mode=1, homing_offset=7, range_min=low, range_max=high)


@pytest.mark.parametrize(("convert", "low", "high", "figures"), FROM_LEROBOT)
def test_ticks_become_what_lerobot_makes_of_them(convert: To, low: int, high: int, figures: dict[int, float]) -> None:
    assert {tick: convert(tick, swept(low, high)) for tick in figures} == figures


@pytest.mark.parametrize(("convert", "low", "high", "figures"), TO_LEROBOT)
def test_values_become_the_ticks_that_lerobot_makes_of_them(
    convert: From, low: int, high: int, figures: dict[float, int]
) -> None:
    assert {value: convert(value, swept(low, high)) for value in figures} == figures


@pytest.mark.parametrize(("there", "back"), PAIRS)
@given(joint=ranges, share=st.floats(0, 1))
def test_there_and_back_is_the_same_tick_or_the_one_before(
    there: To, back: From, joint: JointCalibration, share: float
) -> None:
    tick = joint.range_min + round(share * (joint.range_max - joint.range_min))
    assert back(there(tick, joint), joint) in {tick - 1, tick}


@pytest.mark.parametrize(("there", "back"), PAIRS[1:])
@given(joint=ranges, tick=st.integers(-5000, 9000), value=st.floats(-1e6, 1e6))
def test_nothing_leaves_the_range(there: To, back: From, joint: JointCalibration, tick: int, value: float) -> None:
    assert -100.0 <= there(tick, joint) <= 100.0
    assert joint.range_min <= back(value, joint) <= joint.range_max


@given(joint=ranges, tick=st.integers(-5000, 9000))
def test_degrees_are_not_clamped_and_a_turn_has_4095_steps(joint: JointCalibration, tick: int) -> None:
    assert units.to_degrees(tick + 4095, joint) - units.to_degrees(tick, joint) == pytest.approx(360.0)


@pytest.mark.parametrize("back", [back for _, back in PAIRS])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(back: From, value: float) -> None:
    with pytest.raises(ValueError, match="no joint position"):
        back(value, swept(900, 3201))

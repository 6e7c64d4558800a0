"""A calibration file against what the servos hold: fits, or one sentence that names the servo."""

from __future__ import annotations

from dataclasses import replace

import pytest

from libra_edge.calibration.arm_fit import check_arm_fit, hidden_seam
from libra_edge.errors import ArmCalibrationError, ConfigError
from tests.calibration_arm.hands import KOCH, all_at, as_shipped, fitting


def test_what_fits_fits_and_nothing_is_odd() -> None:
    assert check_arm_fit(KOCH, fitting(), as_shipped(), all_at(2048)) == []


@pytest.mark.parametrize(
    ("held", "problem"),
    [
        ({"homing_offset": 12}, r"servo 3 \(elbow_flex\) holds homing offset 12, the calibration was made with 0"),
        ({"drive_mode": 1}, r"servo 3 \(elbow_flex\) has drive mode 1, the calibration was made with 0"),
        ({"drive_mode": 5}, r"servo 3 \(elbow_flex\) has drive mode 5"),
    ],
)
def test_servos_that_hold_something_else_are_refused(held: dict[str, int], problem: str) -> None:
    memory = as_shipped()
    memory["elbow_flex"] = replace(memory["elbow_flex"], **held)
    with pytest.raises(ArmCalibrationError, match=problem) as caught:
        check_arm_fit(KOCH, fitting(), memory, all_at(2048))
    assert "calibrate again" in str(caught.value)


def test_other_bits_of_the_drive_mode_do_not_matter() -> None:
    memory = as_shipped()
    memory["elbow_flex"] = replace(memory["elbow_flex"], drive_mode=0b1100)
    assert check_arm_fit(KOCH, fitting(), memory, all_at(2048)) == []


@pytest.mark.parametrize("ends", [(-3, 2000), (2000, 4096)])
def test_a_range_that_crosses_the_seam_is_refused(ends: tuple[int, int]) -> None:
    calibration = fitting()
    update = {"range_min": ends[0], "range_max": ends[1]}
    calibration["elbow_flex"] = calibration["elbow_flex"].model_copy(update=update)
    with pytest.raises(ArmCalibrationError, match=r"servo 3 \(elbow_flex\).*crosses the seam"):
        check_arm_fit(KOCH, calibration, as_shipped(), all_at(2048))


@pytest.mark.parametrize(("tick", "fits"), [(6144, False), (-2048, False), (5119, True), (-1024, True)])
def test_a_servo_that_is_a_turn_off_is_refused(tick: int, fits: bool) -> None:
    positions = {**all_at(2048), "wrist_roll": tick}
    if fits:
        assert check_arm_fit(KOCH, fitting(), as_shipped(), positions) == []
        return
    with pytest.raises(ArmCalibrationError, match=rf"servo 5 \(wrist_roll\) stands at {tick}, far outside"):
        check_arm_fit(KOCH, fitting(), as_shipped(), positions)


def test_another_servo_id_is_refused() -> None:
    calibration = fitting()
    calibration["elbow_flex"] = calibration["elbow_flex"].model_copy(update={"id": 9})
    with pytest.raises(ConfigError, match="is servo 3 in the robot file, 9 in the calibration"):
        check_arm_fit(KOCH, calibration, as_shipped(), all_at(2048))


def test_other_limits_and_a_hidden_seam_are_told() -> None:
    calibration, memory = fitting(), as_shipped()
    moved = {"homing_offset": 1000, "range_min": 900, "range_max": 2900}
    calibration["elbow_flex"] = calibration["elbow_flex"].model_copy(update=moved)
    memory["elbow_flex"] = replace(memory["elbow_flex"], homing_offset=1000)
    limits, seam = check_arm_fit(KOCH, calibration, memory, all_at(2048))
    assert "holds limits 0 .. 4095, the calibration says 900 .. 2900" in limits
    assert "seam lies within the joint's range" in seam


@pytest.mark.parametrize(
    ("offset", "low", "high", "hidden"),
    [(0, 0, 4094, False), (0, 1, 4095, False), (100, 100, 4000, False), (100, 99, 4000, True), (-1, 10, 4095, True)],
)
def test_where_the_seam_is(offset: int, low: int, high: int, hidden: bool) -> None:
    joint = fitting()["elbow_flex"]
    update = {"homing_offset": offset, "range_min": low, "range_max": high}
    assert hidden_seam(joint.model_copy(update=update)) is hidden

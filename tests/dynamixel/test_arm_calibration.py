"""LeRobot's calibration file: read unchanged, applied without ever widening a range, refused with one sentence."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.calibration.arm import JointCalibration, apply_arm_calibration, read_arm_calibration
from libra_edge.errors import ConfigError
from tests.dynamixel.bench import ROBOT

LEROBOT = {
    "shoulder_pan": {"id": 1, "drive_mode": 0, "homing_offset": -1044, "range_min": 0, "range_max": 4095},
    "shoulder_lift": {"id": 2, "drive_mode": 0, "homing_offset": 512, "range_min": 1100, "range_max": 2400},
    "elbow_flex": {"id": 3, "drive_mode": 1, "homing_offset": 7, "range_min": 1300, "range_max": 2600},
    "wrist_flex": {"id": 4, "drive_mode": 0, "homing_offset": 0, "range_min": 900, "range_max": 3200},
    "wrist_roll": {"id": 5, "drive_mode": 0, "homing_offset": 1, "range_min": 0, "range_max": 4095},
    "gripper": {"id": 6, "drive_mode": 0, "homing_offset": 2, "range_min": 2100, "range_max": 3000},
}


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "my_koch.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def changed(joint: str, **values: object) -> dict[str, Any]:
    return {**LEROBOT, joint: {**LEROBOT[joint], **values}}


def test_ranges_are_cut_down_to_what_was_swept(tmp_path: Path) -> None:
    robot = apply_arm_calibration(ROBOT, read_arm_calibration(written(tmp_path, LEROBOT)))
    lift, elbow = robot.joint[1], robot.joint[2]
    assert lift.low_deg == pytest.approx((1100 - 2048) * 360.0 / 4096)
    assert lift.high_deg == pytest.approx((2400 - 2048) * 360.0 / 4096)
    assert elbow.low_deg == pytest.approx(-(2600 - 2048) * 360.0 / 4096), "the sign turns the ends round"
    assert elbow.high_deg == pytest.approx(-(1300 - 2048) * 360.0 / 4096)
    assert robot.joint[0] == ROBOT.joint[0]
    assert (robot.name, robot.bus, robot.camera) == (ROBOT.name, ROBOT.bus, ROBOT.camera)


ranges = st.tuples(st.integers(-5000, 9000), st.integers(1, 9000)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(ranges)
def test_no_range_ever_grows_and_rest_stays_inside(swept: tuple[int, int]) -> None:
    calibration = {
        joint.name: JointCalibration(id=joint.id, drive_mode=0, homing_offset=0, range_min=swept[0], range_max=swept[1])
        for joint in ROBOT.joint
    }
    try:
        robot = apply_arm_calibration(ROBOT, calibration)
    except ConfigError:
        return
    assert np.all(robot.low >= ROBOT.low)
    assert np.all(robot.high <= ROBOT.high)
    assert np.all((robot.low <= robot.rest) & (robot.rest <= robot.high))


def test_a_rest_pose_outside_the_sweep_moves_in_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = changed("wrist_flex", range_min=2000, range_max=3000)
    with caplog.at_level(logging.WARNING):
        robot = apply_arm_calibration(ROBOT, read_arm_calibration(written(tmp_path, content)))
    assert robot.joint[3].rest_deg == robot.joint[3].low_deg
    assert "wrist_flex" in caplog.text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("not json", "not one that LeRobot writes"),
        ([1, 2], "not one that LeRobot writes"),
        (changed("elbow_flex", range_min=3000, range_max=3000), "elbow_flex: .*range_min 3000 must lie below"),
        (changed("elbow_flex", range_min="low"), "elbow_flex.range_min"),
        (changed("elbow_flex", range_max=float("nan")), "not one that LeRobot writes"),
        (changed("elbow_flex", drive_mode=7), "elbow_flex.drive_mode"),
        (changed("elbow_flex", speed=1), "elbow_flex.speed"),
        (changed("elbow_flex", id=300), "elbow_flex.id"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence(tmp_path: Path, content: object, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        read_arm_calibration(written(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_arm_calibration(tmp_path / "none.json")
    with pytest.raises(ConfigError, match="larger than"):
        read_arm_calibration(written(tmp_path, " " * 1_000_001))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({name: joint for name, joint in LEROBOT.items() if name != "gripper"}, "the robot has .*gripper"),
        ({**LEROBOT, "tail": LEROBOT["gripper"]}, "tail"),
        (changed("elbow_flex", id=4), "'elbow_flex' is servo 3 in the robot file, 4 in the calibration"),
        (changed("elbow_flex", range_min=3500, range_max=3600), "'elbow_flex': the calibration swept"),
    ],
)
def test_a_calibration_of_another_arm_is_refused(tmp_path: Path, content: object, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        apply_arm_calibration(ROBOT, read_arm_calibration(written(tmp_path, content)))

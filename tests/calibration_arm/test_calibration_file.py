"""LeRobot's calibration file byte for byte, and older files that stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.calibration.arm import (
    ArmCalibration,
    JointCalibration,
    apply_arm_calibration,
    arm_calibration_bytes,
    read_arm_calibration,
)
from libra_edge.calibration.kept_versions import keep_version
from libra_edge.calibration.whole_file import write_whole
from libra_edge.errors import ConfigError
from tests.calibration_arm.hands import KOCH, fitting

BY_LEROBOT = b"""{
    "shoulder_pan": {
        "id": 1,
        "drive_mode": 0,
        "homing_offset": -1044,
        "range_min": 0,
        "range_max": 4095
    },
    "elbow_flex": {
        "id": 3,
        "drive_mode": 1,
        "homing_offset": 7,
        "range_min": 1300,
        "range_max": 2600
    }
}"""
"""Written by LeRobot 0.4.4."""

joints = st.builds(
    lambda **values: JointCalibration(range_max=values["range_min"] + values.pop("span"), **values),
    id=st.integers(0, 252),
    drive_mode=st.integers(0, 1),
    homing_offset=st.integers(-1_044_479, 1_044_479),
    range_min=st.integers(0, 2000),
    span=st.integers(1, 2095),
)


def test_a_file_of_lerobots_is_read_and_written_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "koch.json"
    path.write_bytes(BY_LEROBOT)
    assert arm_calibration_bytes(read_arm_calibration(path)) == BY_LEROBOT


@given(st.dictionaries(st.text(min_size=1, max_size=12), joints, min_size=1, max_size=8))
def test_every_calibration_comes_back_the_same(tmp_path_factory: pytest.TempPathFactory, made: ArmCalibration) -> None:
    path = tmp_path_factory.mktemp("arm") / "koch.json"
    path.write_bytes(arm_calibration_bytes(made))
    read = read_arm_calibration(path)
    assert list(read.items()) == list(made.items())
    assert arm_calibration_bytes(read) == path.read_bytes()


def test_a_whole_turn_narrows_nothing_wherever_the_zero_is() -> None:
    pan = KOCH.joint[0].model_copy(update={"zero_tick": 3500})
    robot = KOCH.model_copy(update={"joint": (pan, *KOCH.joint[1:])})
    assert apply_arm_calibration(robot, fitting()).joint[0] == pan


def test_older_versions_stay_under_numbers_that_are_never_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "arm.json"
    assert keep_version(path, b"1") is None, "there is none yet"
    for content in (b"1", b"2", b"3"):
        keep_version(path, content)
        write_whole(path, content)
    assert keep_version(path, b"3") is None, "it is the same"
    found = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert found == {"arm.json": b"3", "arm.1.json": b"1", "arm.2.json": b"2"}


def test_a_version_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="older version of"):
        keep_version(tmp_path, b"")

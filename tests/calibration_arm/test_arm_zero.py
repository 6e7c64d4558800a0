"""Kinematic zero and sign: measured, written, applied, and put into a robot file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.calibration.arm_zero import ArmZero, apply_arm_zero, arm_zero_bytes, check_zero_fit, read_arm_zero
from libra_edge.calibration.robot_file_text import changes_between, rounded_inwards, with_joint_values
from libra_edge.calibration.zero_measurement import ZeroMeasurement, way_with_room
from libra_edge.cli.zero_pose import draw_zero_pose, told_way
from libra_edge.errors import ArmCalibrationError, ConfigError
from libra_edge.robot import ROBOTS, open_robot
from tests.calibration_arm.hands import JOINTS, KOCH, all_at, as_shipped

SIGNS = dict(zip(JOINTS, (1, 1, -1, -1, 1, -1), strict=True))
"""Some other than the robot file's."""
zeros = st.lists(st.integers(0, 4095), min_size=6, max_size=6)


def measured(at: dict[str, int], signs: dict[str, int] | None = None) -> ArmZero:
    measurement = ZeroMeasurement(KOCH, as_shipped())
    measurement.see(at)
    measurement.advance()
    now = dict(at)
    while measurement.joint is not None:
        joint = measurement.joint
        now[joint.name] += 200 * way_with_room(joint) * (signs or SIGNS)[joint.name]
        measurement.see(now)
        measurement.advance()
    return measurement.zero()


@given(zeros)
def test_angles_are_those_of_the_pose_and_grow_as_drawn(ticks: list[int]) -> None:
    robot = apply_arm_zero(KOCH, measured(dict(zip(JOINTS, ticks, strict=True))))
    assert np.all(robot.to_radians(np.array(ticks)) == 0.0)
    moved = robot.to_radians(np.array([tick + 100 * SIGNS[name] for name, tick in zip(JOINTS, ticks, strict=True)]))
    assert np.all(moved > 0.0)
    assert (robot.low == KOCH.low).all()


def test_the_file_comes_back_the_same(tmp_path: Path) -> None:
    path, zero = tmp_path / "arm.zero.json", measured(all_at(2000))
    path.write_bytes(arm_zero_bytes(zero))
    assert read_arm_zero(path) == zero


def test_a_joint_that_was_not_moved_is_refused_by_name() -> None:
    measurement = ZeroMeasurement(KOCH, as_shipped())
    with pytest.raises(ArmCalibrationError, match=r"servo 1 \(shoulder_pan\) does not answer"):
        measurement.advance()
    measurement.see(all_at(2000))
    measurement.advance()
    measurement.see({**all_at(2300), "shoulder_pan": 2050})
    with pytest.raises(ArmCalibrationError, match="shoulder_pan was moved by 4 of at least 10 degrees"):
        measurement.advance()
    with pytest.raises(ArmCalibrationError, match="not measured yet"):
        measurement.zero()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sign": 0}, "joints.gripper.sign"),
        ({"zero_tick": 1.5}, "joints.gripper.zero_tick"),
        ({"speed": 1}, "joints.gripper.speed"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, change: dict[str, object], problem: str) -> None:
    content = json.loads(arm_zero_bytes(measured(all_at(2000))))
    content["joints"]["gripper"] |= change
    path = tmp_path / "arm.zero.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=problem):
        read_arm_zero(path)


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "arm.zero.json"
    with pytest.raises(ConfigError, match="No such file"):
        read_arm_zero(path)
    path.write_text(" " * 1_000_000)
    with pytest.raises(ConfigError, match="larger than"):
        read_arm_zero(path)


def test_the_zero_of_another_arm_is_refused() -> None:
    zero = measured(all_at(2000))
    fewer = zero.model_copy(update={"joints": {name: zero.joints[name] for name in JOINTS[:5]}})
    with pytest.raises(ConfigError, match=r"the robot has .*gripper"):
        apply_arm_zero(KOCH, fewer)
    joints = {**zero.joints, "gripper": zero.joints["gripper"].model_copy(update={"id": 9})}
    with pytest.raises(ConfigError, match="'gripper' is servo 6 in the robot file, 9 in the zero"):
        apply_arm_zero(KOCH, zero.model_copy(update={"joints": joints}))


@pytest.mark.parametrize("change", [{"homing_offset": 3}, {"drive_mode": 1}])
def test_a_zero_from_before_the_last_calibration_is_refused(change: dict[str, int]) -> None:
    zero, memory = measured(all_at(2000)), as_shipped()
    check_zero_fit(zero, memory)
    memory["elbow_flex"] = replace(memory["elbow_flex"], **change)
    with pytest.raises(ArmCalibrationError, match=r"servo 3 \(elbow_flex\) holds .* measure it again"):
        check_zero_fit(zero, memory)


@given(zeros)
def test_the_robot_file_says_what_was_measured_and_keeps_the_rest(
    tmp_path_factory: pytest.TempPathFactory, ticks: list[int]
) -> None:
    text = (ROBOTS / "koch.toml").read_text(encoding="utf-8")
    wanted = rounded_inwards(apply_arm_zero(KOCH, measured(dict(zip(JOINTS, ticks, strict=True)))))
    changed = with_joint_values(text, changes_between(KOCH, wanted))
    path = tmp_path_factory.mktemp("robot") / "mine.toml"
    path.write_text(changed, encoding="utf-8")
    assert open_robot(str(path)) == wanted
    keys = ("zero_tick", "sign", "homing_offset")
    assert [line for line in changed.splitlines() if not line.startswith(keys)] == [
        line for line in text.splitlines() if not line.startswith(keys)
    ]


def test_comments_behind_values_stay() -> None:
    text = '[bus]\nsign = 7\n[[joint]]\n  sign = 1  # as built\nname = "a"\n\n[[joint]]\nname = "b"\nsign = 1\n'
    changed = with_joint_values(text, {"a": {"sign": -1, "zero_tick": 5}})
    assert changed == (
        '[bus]\nsign = 7\n[[joint]]\n  sign = -1  # as built\nname = "a"\nzero_tick = 5\n\n'
        '[[joint]]\nname = "b"\nsign = 1\n'
    )


def test_each_joint_is_asked_for_the_way_it_has_room_for() -> None:
    told = {joint.name: told_way(KOCH, joint, way_with_room(joint)) for joint in KOCH.joint}
    assert told == {
        "shoulder_pan": "what it carries goes to the right",
        "shoulder_lift": "what it carries goes forward and down",
        "elbow_flex": "what it carries goes up",
        "wrist_flex": "what it carries goes up",
        "wrist_roll": "what it carries turns anticlockwise, seen from behind the arm",
        "gripper": "what it carries goes to the left",
    }, "docs/koch.md says which way is positive"


def test_the_other_way_is_told_as_the_opposite() -> None:
    told = {joint.name: told_way(KOCH, joint, -way_with_room(joint)) for joint in KOCH.joint}
    assert told["wrist_roll"] == "what it carries turns clockwise, seen from behind the arm"
    assert told["shoulder_lift"] == "what it carries goes back and up"


def test_the_pose_is_drawn_with_every_servo_upper_arm_upright_and_forearm_level() -> None:
    lines = draw_zero_pose(KOCH).splitlines()
    places = {sign: (row, line.index(sign)) for row, line in enumerate(lines) for sign in "123456>" if sign in line}
    assert set(places) == set("123456>")
    assert places["1"][0] > places["2"][0] > places["3"][0] == places["4"][0]
    assert places["3"][1] < places["4"][1] < places["5"][1] < places[">"][1]
    assert abs(places["3"][1] - places["2"][1]) < 8


def test_without_links_no_pose_can_be_drawn() -> None:
    with pytest.raises(ConfigError, match="no pose can be drawn"):
        draw_zero_pose(KOCH.model_copy(update={"workspace": None}))

"""Robot files: the shipped ones, ticks and radians, and what a broken one is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from libra_edge.errors import ConfigError
from libra_edge.robot import ROBOTS, open_robot

ROBOT = open_robot("koch")


@pytest.mark.parametrize("name", sorted(path.stem for path in ROBOTS.glob("*.toml")))
def test_a_shipped_robot_is_called_what_its_file_is_called(name: str) -> None:
    robot = open_robot(name)
    assert robot.name == name
    assert robot.joint_names[-1] == "gripper"
    assert np.all(robot.low < robot.high)


def test_the_simulated_arm_has_the_joints_and_links_of_the_real_one() -> None:
    simulated = open_robot("koch-sim")
    assert simulated.joint == ROBOT.joint
    assert simulated.workspace == ROBOT.workspace


@given(arrays(np.int64, (6,), elements=st.integers(-8192, 8192)))
def test_ticks_survive_the_way_through_radians(ticks: np.ndarray) -> None:
    np.testing.assert_array_equal(ROBOT.to_ticks(ROBOT.to_radians(ticks)), ticks)


@given(arrays(np.float64, (6,), elements=st.floats(-6.0, 6.0)))
def test_radians_are_off_by_half_a_tick_at_most(position: np.ndarray) -> None:
    error = np.abs(ROBOT.to_radians(ROBOT.to_ticks(position)) - position)
    assert error.max() <= np.pi / 4096 + 1e-12


def test_the_sign_turns_a_joint_around() -> None:
    ticks = ROBOT.to_ticks(np.array([0.1, 0.1, 0.0, 0.0, 0.0, 0.0]))
    assert ticks[0] < 2048 < ticks[1]


def broken(tmp_path: Path, old: str, new: str) -> Path:
    text = (ROBOTS / "koch.toml").read_text()
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("baud = 1_000_000", "baud = 12345", "bus.baud"),
        ("id = 1", "id = 2", "servo ids must differ"),
        ('joint = "wrist_roll"', 'joint = "wrist"', "a link names 'wrist', which is no joint; there are shoulder_pan"),
        ('joint = "wrist_roll"', 'joint = "wrist_flex"', "a joint turns only one link"),
        ("axis = [0, 1, 0]", "axis = [0, 0, 0]", "link of elbow_flex: an axis of no length"),
        ("[servo]", '[stop_line]\nchip = "/dev/gpiochip0"\nline = -1\n[servo]', "stop_line.line"),
        (
            "[servo]",
            '[stop]\ndevice = "/dev/x"\nkey = 57\n[stop_line]\nchip = "/dev/gpiochip0"\nline = 1\n[servo]',
            "one stop switch",
        ),
        ("lowest_m = -0.005", "lowest_m = nan", "workspace.lowest_m"),
        ("radius_m = 0.058", "radius_m = -1.0", "workspace.base.0.radius_m"),
        ("rate_hz = 100.0", "rate_hz = nan", "servo.rate_hz"),
        ("rest_deg = 5.1", "rest_deg = 500.0", "rest_deg"),
        ('name = "gripper"', 'name = "Gripper"', "joint.5.name"),
        ("watchdog_ms = 100", "watchdog_ms = 110", "bus.watchdog_ms"),
        ("[bus]", "[bus]\nspeed = 3", "bus.speed"),
        ("[servo]", "[servo", "not TOML"),
    ],
)
def test_a_broken_file_is_told_where_it_is_broken(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = broken(tmp_path, old, new)
    with pytest.raises(ConfigError, match=r"mine\.toml") as caught:
        open_robot(str(path))
    assert told in str(caught.value)


def test_an_unknown_robot_is_told_what_there_is() -> None:
    with pytest.raises(ConfigError, match="koch, koch-leader, koch-sim"):
        open_robot("kosch")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    path.write_bytes(b"# " * 600_000)
    with pytest.raises(ConfigError, match="larger than"):
        open_robot(str(path))

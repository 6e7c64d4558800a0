"""The calibration by hand, without a terminal: homing, ranges, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.calibration.arm_sweep import ArmSweep, Stage, memory_for
from libra_edge.errors import ArmCalibrationError
from tests.calibration_arm.hands import JOINTS, KOCH, all_at, as_shipped

ENDS = {"shoulder_pan": (2000, 2010), "wrist_roll": (2000, 2010)}


def homed(middle: int = 2000) -> ArmSweep:
    sweep = ArmSweep(KOCH, as_shipped())
    sweep.see(all_at(middle))
    sweep.advance()
    return sweep


def swept_but(joint: str = "", ends: tuple[int, int] = (2000, 2010)) -> ArmSweep:
    """Every joint well swept, save one."""
    sweep = homed()
    for end in (0, 1):
        sweep.see({name: (ends if name == joint else ENDS.get(name, (1400, 2600)))[end] for name in JOINTS})
    return sweep


def test_the_middle_becomes_2047_and_ends_follow() -> None:
    sweep = swept_but()
    sweep.advance()
    calibration = sweep.calibration()
    assert tuple(calibration) == JOINTS
    assert [joint.id for joint in calibration.values()] == [1, 2, 3, 4, 5, 6]
    assert {joint.homing_offset for joint in calibration.values()} == {47}
    lift, pan = calibration["shoulder_lift"], calibration["shoulder_pan"]
    assert (lift.range_min, lift.range_max) == (1447, 2647)
    assert (pan.range_min, pan.range_max) == (0, 4095), "LeRobot takes it as turning all the way round"


@given(st.integers(0, 4095), st.integers(-1000, 1000), st.sampled_from([0, 1]))
def test_what_the_servo_holds_makes_no_difference(middle: int, offset: int, drive_mode: int) -> None:
    memory = {name: replace(held, homing_offset=offset, drive_mode=drive_mode) for name, held in as_shipped().items()}
    sweep = ArmSweep(KOCH, memory)
    sweep.see(all_at(middle + offset))
    sweep.advance()
    for tick in (-700, 700):
        sweep.see(all_at(middle + offset + tick))
    sweep.advance()
    lift = sweep.calibration()["shoulder_lift"]
    assert (lift.homing_offset, lift.drive_mode) == (2047 - middle, drive_mode)
    assert (lift.range_min, lift.range_max) == (1347, 2747)


def test_what_came_before_the_middle_counts_for_nothing() -> None:
    sweep = ArmSweep(KOCH, as_shipped())
    sweep.see(all_at(1400))
    sweep.see(all_at(2000))
    sweep.advance()
    assert {joint.swept_deg for joint in sweep.joints()} == {0.0}
    assert "was hardly moved" in sweep.lacking()


@pytest.mark.parametrize("joint", ["shoulder_lift", "elbow_flex", "wrist_flex", "gripper"])
def test_a_joint_that_was_hardly_moved_is_refused_by_name(joint: str) -> None:
    sweep = swept_but(joint)
    with pytest.raises(ArmCalibrationError, match=f"{joint} was hardly moved, 1 of at least"):
        sweep.advance()
    with pytest.raises(ArmCalibrationError, match="not done"):
        sweep.calibration()
    sweep.see({**all_at(2000), joint: 2700})
    sweep.advance()
    assert sweep.stage is Stage.DONE


@pytest.mark.parametrize(
    ("way", "low", "high"), [((1000, -100), -53, 2047), ((3000, 4100), 2047, 4147), ((1000, -48, 1000, 2500), -1, 2547)]
)
def test_a_range_across_the_seam_is_refused(way: tuple[int, ...], low: int, high: int) -> None:
    sweep = swept_but("elbow_flex", (2000, 2000))
    for tick in way:
        sweep.see({**all_at(2000), "elbow_flex": tick})
    with pytest.raises(ArmCalibrationError, match=rf"servo 3 \(elbow_flex\), {low} .. {high}, crosses the seam"):
        sweep.advance()


def test_a_servo_that_jumps_by_a_turn_ends_it() -> None:
    sweep = homed()
    with pytest.raises(ArmCalibrationError, match=r"servo 5 \(wrist_roll\) jumped from 2000 to 6096"):
        sweep.see({**all_at(2000), "wrist_roll": 6096})


def test_a_silent_servo_is_told_and_waited_for() -> None:
    sweep = ArmSweep(KOCH, as_shipped())
    sweep.see({name: 2000 for name in JOINTS if name != "gripper"})
    with pytest.raises(ArmCalibrationError, match=r"servo 6 \(gripper\) does not answer"):
        sweep.advance()
    sweep.see(all_at(2000))
    sweep.advance()
    sweep.see({name: 2000 for name in JOINTS if name != "elbow_flex"})
    assert [joint.joint for joint in sweep.joints() if joint.position is None] == ["elbow_flex"]


def test_the_memory_for_a_calibration_keeps_the_operating_modes() -> None:
    sweep = swept_but()
    sweep.advance()
    wanted = memory_for(sweep.calibration(), as_shipped())
    assert [held.mode for held in wanted.values()] == [4, 4, 4, 4, 4, 5]
    assert {held.homing_offset for held in wanted.values()} == {47}

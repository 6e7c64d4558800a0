"""`libra-edge calibrate arm` in a terminal, with emulated servos in the hand of the test."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libra_edge.calibration.arm import arm_calibration_bytes, read_arm_calibration
from libra_edge.calibration.arm_zero import read_arm_zero
from libra_edge.calibration.zero_measurement import way_with_room
from libra_edge.cli.main import run_command
from libra_edge.drivers.dynamixel import register as r
from libra_edge.robot import open_robot
from tests.calibration_arm.hands import JOINTS, KOCH, MIDDLE, HandledArm, fitting, handled_arm
from tests.calibration_arm.test_lerobot_referee import lerobot, needs_lerobot
from tests.dynamixel.bench import IDS, bus_on
from tests.jog.typist import Typist, in_a_terminal

MOVED = (2, 3, 4, 6)
"""Servos whose joints do not turn all the way round."""


@pytest.fixture
def arm() -> Iterator[HandledArm]:
    with handled_arm() as arm:
        with bus_on(arm.emulator) as bus:
            for servo_id in IDS:
                bus.write(servo_id, r.TORQUE_ENABLE, 1)
        yield arm


def arguments(arm: HandledArm, *more: str) -> list[str]:
    return ["calibrate", "arm", "--robot", "koch", "--port", arm.emulator.port, "--json", *more]


def without_terminal(*words: str) -> tuple[int, list[str], str]:
    done = subprocess.run(
        [sys.executable, "-m", "libra_edge.cli.main", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def homed(typist: Typist) -> None:
    """Up to the sweep."""
    typist.wait_for("Hold the arm")
    typist.type(b"\n")
    typist.wait_for("in the middle of its range")
    typist.type(b"\n")
    typist.wait_for("to both of its ends")


def sweep(arm: HandledArm, typist: Typist, servo_id: int, reach: int = 600) -> None:
    """One joint to both ends, each seen on the terminal before it is left."""
    arm.lead(servo_id, MIDDLE[servo_id] - reach)
    typist.wait_for(f" {2047 - reach} .. ")
    arm.lead(servo_id, MIDDLE[servo_id] + reach)
    typist.wait_for(f" {2047 - reach} .. {2047 + reach} ")


def calibrated(arm: HandledArm, out: Path) -> dict[str, Any]:
    with in_a_terminal(arguments(arm, "--out", str(out))) as typist:
        homed(typist)
        for servo_id in MOVED:
            sweep(arm, typist, servo_id, 600 + servo_id)
        typist.type(b"\n")
        return typist.result()


def test_it_stays_under_torque_until_the_person_holds_it(arm: HandledArm, tmp_path: Path) -> None:
    with in_a_terminal(arguments(arm, "--out", str(tmp_path / "arm.json"))) as typist:
        typist.wait_for("it falls if nobody holds it")
        assert arm.torques() == [1] * 6
        typist.type(b"x\n")
        typist.wait_for("the arm is limp")
        assert arm.torques() == [0] * 6


def test_a_calibration_by_hand_ends_in_the_file_and_in_the_servos(arm: HandledArm, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "arm.json"
    figures = calibrated(arm, out)
    calibration = read_arm_calibration(out)
    assert out.read_bytes() == arm_calibration_bytes(calibration)
    assert figures["file"] == str(out)
    for joint in KOCH.joint:
        ours, offset = calibration[joint.name], 2047 - MIDDLE[joint.id]
        reach = (2047 - 600 - joint.id, 2047 + 600 + joint.id) if joint.id in MOVED else (0, 4095)
        assert (ours.id, ours.drive_mode, ours.homing_offset) == (joint.id, 0, offset)
        assert (ours.range_min, ours.range_max) == reach
        assert arm.held(joint.id) == (offset, *reach)
        assert figures["coverage"][joint.name]["range_min"] == reach[0]
    assert arm.torques() == [0] * 6
    assert figures["kept"] is None


def test_the_older_file_is_kept(arm: HandledArm, tmp_path: Path) -> None:
    out = tmp_path / "arm.json"
    out.write_bytes(b"precious")
    figures = calibrated(arm, out)
    assert Path(figures["kept"]).read_bytes() == b"precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arm.1.json", "arm.json"]


def test_a_joint_hardly_moved_is_named_and_may_be_moved_then(arm: HandledArm, tmp_path: Path) -> None:
    out = tmp_path / "arm.json"
    with in_a_terminal(arguments(arm, "--out", str(out))) as typist:
        homed(typist)
        for servo_id in (2, 3, 4):
            sweep(arm, typist, servo_id, 600 + 20 * servo_id)
        typist.type(b"\n")
        typist.wait_for("gripper was hardly moved, 0 of at least 23 degrees")
        assert not out.exists()
        sweep(arm, typist, 6, 700)
        typist.type(b"\n")
        assert typist.result()["coverage"]["gripper"]["range_max"] == 2747


def test_an_interruption_changes_nothing_but_the_torque(arm: HandledArm, tmp_path: Path) -> None:
    out = tmp_path / "arm.json"
    out.write_bytes(b"precious")
    before = [arm.held(servo_id) for servo_id in IDS]
    with in_a_terminal(arguments(arm, "--out", str(out))) as typist:
        homed(typist)
        sweep(arm, typist, 2)
        typist.type(b"\x03")
        code, lines = typist.ending()
    assert (code, lines) == (130, [])
    assert "Traceback" not in typist.shown
    assert [arm.held(servo_id) for servo_id in IDS] == before
    assert [path.name for path in tmp_path.iterdir()] == ["arm.json"]
    assert out.read_bytes() == b"precious"


def test_a_servo_that_falls_silent_is_shown_and_waited_for(arm: HandledArm, tmp_path: Path) -> None:
    with in_a_terminal(arguments(arm, "--out", str(tmp_path / "arm.json"))) as typist:
        homed(typist)
        with arm.emulator.servos() as servos:
            lost = servos.pop(6)
        typist.wait_for("no answer")
        typist.type(b"\n")
        typist.wait_for("servo 6 (gripper) does not answer: check its cable")
        with arm.emulator.servos() as servos:
            servos[6] = lost
        for servo_id in MOVED:
            sweep(arm, typist, servo_id, 600 + servo_id)
        typist.type(b"\n")
        typist.result()


def test_a_place_that_cannot_be_written_is_told_before_the_arm_is_let_go(arm: HandledArm, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with in_a_terminal(arguments(arm, "--out", str(tmp_path / "file" / "arm.json"))) as typist:
        code, _ = typist.ending()
    assert code == 2
    assert "cannot be written" in typist.shown
    assert arm.torques() == [1] * 6


def test_a_file_that_fits_is_said_to_and_copied_byte_for_byte(arm: HandledArm, tmp_path: Path) -> None:
    source, out = tmp_path / "koch.json", tmp_path / "arm.json"
    by_hand = arm_calibration_bytes(fitting()).replace(b"    ", b"\t") + b"\n"
    source.write_bytes(by_hand)
    code, lines, said = without_terminal(*arguments(arm, "--from", str(source), "--out", str(out)))
    assert code == 0
    assert "fits the servos of koch" in said
    assert out.read_bytes() == source.read_bytes() == by_hand
    figures = json.loads(lines[-1])
    assert (figures["file"], figures["oddities"]) == (str(out), [])
    assert set(figures["coverage"]) == set(JOINTS)
    assert arm.torques() == [1] * 6, "an arm that is only looked at does not fall"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"homing_offset": 5}, "servo 3 (elbow_flex) holds homing offset 0, the calibration was made with 5"),
        ({"drive_mode": 1}, "servo 3 (elbow_flex) has drive mode 0"),
        ({"range_min": -20}, "crosses the seam"),
        ({"id": 9}, "'elbow_flex' is servo 3 in the robot file, 9 in the calibration"),
        ({"range_max": "x"}, "elbow_flex.range_max"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_sentence(
    arm: HandledArm, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], problem: str
) -> None:
    content = json.loads(arm_calibration_bytes(fitting()))
    content["elbow_flex"] |= change
    source, out = tmp_path / "koch.json", tmp_path / "arm.json"
    source.write_text(json.dumps(content))
    code = run_command(arguments(arm, "--from", str(source), "--out", str(out)))
    lines, said = capsys.readouterr()
    assert (code, lines) == (2, "")
    assert said.startswith("libra-edge: ")
    assert problem in said
    assert len(said.splitlines()) == 1
    assert not out.exists()


def test_the_zero_is_measured_in_the_drawn_pose(arm: HandledArm, tmp_path: Path) -> None:
    out = tmp_path / "arm.zero.json"
    signs = dict(zip(IDS, (-1, 1, -1, 1, -1, -1), strict=True))
    with in_a_terminal(arguments(arm, "--zero", "--out", str(out))) as typist:
        typist.wait_for("Hold the arm")
        typist.type(b"\n")
        typist.wait_for("Bring the arm into this pose")
        typist.type(b"\n")
        for joint in KOCH.joint:
            typist.wait_for(f"({joint.name}): move it")
            arm.lead(joint.id, MIDDLE[joint.id] + 250 * signs[joint.id] * way_with_room(joint))
            typist.wait_for("22 of at least 10 deg")
            typist.forget()
            typist.type(b"\n")
        figures = typist.result()
    zero = read_arm_zero(out)
    assert {joint.id: joint.zero_tick for joint in zero.joints.values()} == MIDDLE
    assert {joint.id: joint.sign for joint in zero.joints.values()} == signs
    assert figures["residuals"]["wrist_roll"] == {"zero_tick": 2060, "sign": -1, "zero_off_deg": 1.05, "sign_off": True}
    robot = open_robot(figures["robot_file"])
    assert {joint.id: (joint.zero_tick, joint.sign) for joint in robot.joint} == {
        servo_id: (tick, signs[servo_id]) for servo_id, tick in MIDDLE.items()
    }


@pytest.mark.parametrize("zero", [[], ["--zero"]])
def test_without_a_terminal_it_is_refused_and_the_arm_stays(arm: HandledArm, zero: list[str]) -> None:
    code, _, said = without_terminal(*arguments(arm, *zero))
    assert code == 2
    assert said.startswith("libra-edge: an arm is calibrated by hand: start it in a terminal")
    assert len(said.splitlines()) == 1
    assert arm.torques() == [1] * 6


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--out", "arm.toml"], "ends in .json"),
        (["--robot", "koch-sim"], "simulated bus"),
        (["--robot", "nobody"], "unknown robot"),
        (["--from", "nowhere.json", "--port", "/dev/null"], "nowhere.json cannot be read"),
        (["--from", "nowhere.json", "--port", "/dev/nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_sentence(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = run_command(["calibrate", "arm", *words])
    lines, said = capsys.readouterr()
    assert (code, lines) == (2, "")
    assert problem in said
    assert len(said.splitlines()) == 1


@needs_lerobot
def test_lerobot_takes_the_arm_for_calibrated(arm: HandledArm, tmp_path: Path) -> None:
    calibrated(arm, tmp_path / "koch.json")
    found = lerobot("lerobot_accepts_session.py", [arm.emulator.port, str(tmp_path)])
    assert found["calibrated"] is True
    assert found["positions"]["shoulder_pan"] == 2047
    assert found["positions"]["gripper"] == 2047 + 606

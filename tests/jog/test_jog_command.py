"""`libra-edge jog` on a pseudo-terminal, with the Koch's emulated servos on another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.simulation.servos.plant import KinematicPlant
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.messages import Float64
from libra_edge.robot import open_robot
from libra_edge.runtime.servo_directory import running_servos
from tests.dynamixel.bench import IDS, ROBOT, bus_on, emulated, wait_until
from tests.jog.typist import Typist, in_a_terminal, robot_file
from tests.runtime_servo.conftest import runtime_directory

__all__ = ["runtime_directory"]

LEFT, RIGHT, UP, DOWN = b"\x1b[D", b"\x1b[C", b"\x1b[A", b"\x1b[B"
IDLE = "holding (chunks stopped)"
"""Started, and not asked to move."""
ONE_TICK_DEG = 360.0 / 4096.0


@pytest.fixture
def emulator(runtime_directory: Path) -> Iterator[ServoBusEmulator]:
    assert runtime_directory.exists()
    with emulated() as running:
        yield running
        for directory in running_servos():
            os.kill(directory.owner() or 0, signal.SIGKILL)


@pytest.fixture
def typist(emulator: ServoBusEmulator, runtime_directory: Path) -> Iterator[Typist]:
    """Jog, ready to move."""
    with in_a_terminal(["jog", "--robot", str(robot_file(runtime_directory, emulator.port)), "--json"]) as typing:
        typing.wait_for(IDLE)
        yield typing


def goals_deg(emulator: ServoBusEmulator) -> Float64:
    """The newest goals on the wire, [n, D] degrees, oldest first."""
    goals = list(emulator.ledger.goals)
    ticks = [[goal.tick for goal in goals if goal.servo_id == servo_id] for servo_id in IDS]
    newest = [row[-min(map(len, ticks)) :] for row in ticks]
    angles: Float64 = np.degrees([ROBOT.to_radians(np.array(row)) for row in zip(*newest, strict=True)])
    return angles


def standing(emulator: ServoBusEmulator, ticks: int = 30) -> bool:
    last = goals_deg(emulator)[-ticks:]
    return len(last) == ticks and not np.ptp(last, axis=0).any()


def test_nothing_moves_until_a_key_is_pressed_and_q_ends_it_under_torque(
    emulator: ServoBusEmulator, typist: Typist
) -> None:
    wait_until(lambda: len(goals_deg(emulator)) > 50)
    typist.type(b"q")
    figures = typist.result()
    assert not np.ptp(goals_deg(emulator), axis=0).any()
    assert figures["robot"] == "koch"
    assert figures["ended"] == "stopped by you"
    assert figures["seconds"] > 0.0
    assert figures["servo_hz"] > 0.0
    assert (figures["limits_violated"], figures["governed"], figures["faults"]) == (0, 0, [])
    assert set(figures["joints"]) == set(ROBOT.joint_names)
    assert all(angles["first_deg"] == angles["last_deg"] for angles in figures["joints"].values())
    with bus_on(emulator) as bus:
        assert [bus.read(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [1] * len(IDS)


def test_a_held_key_moves_the_chosen_joint_slowly_and_letting_go_stops_it(
    emulator: ServoBusEmulator, typist: Typist
) -> None:
    typist.type(b"2")
    typist.hold(RIGHT, 20)
    wait_until(lambda: standing(emulator))
    there = goals_deg(emulator)
    typist.type(UP + DOWN + DOWN)
    typist.hold(LEFT, 20)
    wait_until(lambda: standing(emulator))
    typist.type(b"q")
    figures, back = typist.result(), goals_deg(emulator)
    moved = there[-1] - there[0]
    assert moved[1] > 2.0
    assert not np.delete(moved, 1).any()
    assert back[-1][2] < there[-1][2] - 2.0
    assert not np.delete(back[-1] - there[-1], 2).any()
    assert np.abs(np.diff(back, axis=0)).max() <= 2 * 10.0 * 0.01 + ONE_TICK_DEG
    shoulder = figures["joints"]["shoulder_lift"]
    assert shoulder["last_deg"] - shoulder["first_deg"] == pytest.approx(moved[1], abs=2 * ONE_TICK_DEG)
    assert figures["limits_violated"] == 0
    assert emulator.ledger.limits_violated == 0


def test_one_tap_moves_two_degrees(emulator: ServoBusEmulator, typist: Typist) -> None:
    typist.type(b"+")
    wait_until(lambda: goals_deg(emulator)[-1][0] - goals_deg(emulator)[0][0] == pytest.approx(2.0, abs=ONE_TICK_DEG))
    wait_until(lambda: standing(emulator))
    typist.type(b"q")
    assert typist.result()["joints"]["shoulder_pan"]["last_deg"] == pytest.approx(7.1, abs=2 * ONE_TICK_DEG)


def test_space_holds_until_enter(emulator: ServoBusEmulator, typist: Typist) -> None:
    typist.type(b" ")
    typist.wait_for("holding (hold): Enter")
    held = goals_deg(emulator)[-1]
    typist.hold(RIGHT, 5)
    wait_until(lambda: standing(emulator))
    np.testing.assert_array_equal(goals_deg(emulator)[-1], held)
    typist.type(b"\r")
    wait_until(lambda: _moves(typist, emulator, held))
    typist.type(b"q")
    assert [fault["kind"] for fault in typist.result()["faults"]] == ["somebody asked the arm to hold"]


def _moves(typist: Typist, emulator: ServoBusEmulator, held: Float64) -> bool:
    typist.type(RIGHT)
    return bool(goals_deg(emulator)[-1][0] > held[0])


def test_an_arm_outside_its_range_stands_there_and_is_led_in(runtime_directory: Path) -> None:
    assert runtime_directory.exists()
    robot = open_robot("koch")
    pose = robot.rest.copy()
    pose[1] = robot.high[1] + np.radians(10.0)
    ticks = dict(zip(IDS, robot.to_ticks(pose).tolist(), strict=True))
    with (
        emulated(plant=KinematicPlant(MonotonicClock(), ticks)) as emulator,
        in_a_terminal(["jog", "--robot", str(robot_file(runtime_directory, emulator.port)), "--json"]) as typist,
    ):
        typist.wait_for("shoulder_lift stands at 44.0 degrees, outside its range")
        typist.wait_for(IDLE)
        typist.wait_for("outside")
        typist.type(b"2")
        typist.hold(RIGHT, 5)
        wait_until(lambda: standing(emulator))
        typist.hold(LEFT, 5)
        wait_until(lambda: standing(emulator))
        typist.type(b"q")
        figures = typist.result()
        lift = goals_deg(emulator)[:, 1]
        assert np.all(np.diff(lift) <= 0.0)
        assert np.diff(lift).min() >= -2 * 10.0 * 0.01 - ONE_TICK_DEG
        assert lift[0] - lift[-1] > 2.0
        assert figures["limits_violated"] == 0


def test_the_end_of_the_range_is_kept(emulator: ServoBusEmulator, typist: Typist) -> None:
    typist.type(b"2")
    high_deg = np.degrees(ROBOT.high[1])
    wait_until(lambda: _pushed(typist, emulator, high_deg))
    typist.hold(RIGHT, 10)
    wait_until(lambda: standing(emulator))
    typist.type(b"q")
    assert typist.result()["limits_violated"] == 0
    assert goals_deg(emulator)[:, 1].max() == pytest.approx(high_deg, abs=ONE_TICK_DEG)
    assert emulator.ledger.limits_violated == 0


def _pushed(typist: Typist, emulator: ServoBusEmulator, high_deg: float) -> bool:
    typist.hold(RIGHT, 3)
    return bool(goals_deg(emulator)[-1][1] >= high_deg - ONE_TICK_DEG)


@pytest.mark.parametrize("by", ["Ctrl-C", "SIGTERM"])
def test_an_interruption_stops_the_arm_in_motion(emulator: ServoBusEmulator, typist: Typist, by: str) -> None:
    typist.hold(RIGHT, 5)
    if by == "Ctrl-C":
        typist.type(b"\x03")
    else:
        typist.process.send_signal(signal.SIGTERM)
    assert typist.result()["ended"] in {"stopped by you", "stopped from elsewhere"}
    assert running_servos() == []


def test_a_servo_in_overload_ends_it_with_its_name_and_exit_code_3(emulator: ServoBusEmulator, typist: Typist) -> None:
    typist.hold(RIGHT, 2)
    emulator.raise_hardware_error(3, 0x20)
    code, lines = typist.ending()
    assert code == 3
    (fault,) = json.loads(lines[-1])["faults"]
    assert "servo 3" in fault["kind"]
    assert "overload" in typist.shown


def test_when_its_terminal_goes_in_motion_the_arm_stands_under_torque(
    emulator: ServoBusEmulator, typist: Typist
) -> None:
    typist.hold(RIGHT, 10)
    typist.process.kill()
    wait_until(lambda: running_servos() == [])
    last = goals_deg(emulator)[-2:]
    np.testing.assert_array_equal(last[0], last[1])
    with bus_on(emulator) as bus:
        assert [bus.read(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [1] * len(IDS)


@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, subprocess.PIPE])
def test_without_a_terminal_it_is_refused_before_anything_is_opened(stdin: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "libra_edge.cli.main", "jog", "--robot", "koch"],
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("libra-edge: jog is steered by keys")
    assert len(done.stderr.splitlines()) == 1


def test_a_speed_that_is_not_slow_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "libra_edge.cli.main", "jog", "--speed-deg-s", "90"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--speed-deg-s" in done.stderr

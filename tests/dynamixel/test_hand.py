"""`emulate --hand`: lines on stdin turn joints that are without torque, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.clock import SimulatedClock
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.drivers.simulation.mujoco_plant import MujocoPlant
from libra_edge.drivers.simulation.scene import PALETTE
from libra_edge.drivers.simulation.servos.hand import Hand
from libra_edge.drivers.simulation.servos.plant import KinematicPlant
from libra_edge.drivers.simulation.tasks import VERBS
from libra_edge.drivers.simulation.world import KochCubesWorld
from tests.dynamixel.bench import IDS, ROBOT, wait_until

START = dict.fromkeys(IDS, 2048)


def plant() -> KinematicPlant:
    return KinematicPlant(SimulatedClock(), START)


@given(servo_id=st.sampled_from(IDS), degrees=st.floats(-360, 360))
def test_a_joint_is_turned_by_degrees_and_no_other_moves(servo_id: int, degrees: float) -> None:
    joints = plant()
    Hand(joints, IDS).obey(f" {servo_id}  {degrees}\n")
    turned = {other: joints.measure(other).position_tick for other in IDS}
    assert turned == {**START, servo_id: 2048 + round(degrees / 360 * 4096)}


def test_a_joint_under_torque_stays() -> None:
    joints = plant()
    joints.set_torque(3, True)
    Hand(joints, IDS).obey("3 45")
    assert joints.measure(3).position_tick == 2048


@pytest.mark.parametrize("line", ["", "3", "three 45", "3 far", "3 45 6", "9 45", "3 nan", "3 361", "3 1e999"])
def test_anything_else_is_refused_in_one_clause_and_turns_nothing(line: str) -> None:
    joints = plant()
    with pytest.raises(ValueError, match=r"SERVO DEGREES|at most 360 at a time"):
        Hand(joints, IDS).obey(line)
    assert {joints.measure(servo_id).position_tick for servo_id in IDS} == {2048}


def test_the_simulated_arm_is_led_and_stays_where_it_was_led() -> None:
    world = KochCubesWorld(0, f"{VERBS[0]} the {next(iter(PALETTE))} cube")
    arm = MujocoPlant(ROBOT, world)
    before = arm.measure(1).position_tick
    Hand(arm, IDS).obey("1 20")
    for _ in range(round(1.0 / world.physics_dt_s)):
        arm.step()
    assert arm.measure(1).position_tick == pytest.approx(before + 20 / 360 * 4096, abs=12)
    arm.set_torque(1, True)
    Hand(arm, IDS).obey("1 -20")
    for _ in range(round(1.0 / world.physics_dt_s)):
        arm.step()
    assert arm.measure(1).position_tick == pytest.approx(before + 20 / 360 * 4096, abs=12)


def test_the_command_does_what_stdin_says_and_says_what_it_does_not_understand() -> None:
    arguments = ["-m", "libra_edge.cli.main", "emulate", "koch", "--hand", "--dynamics", "ideal"]
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        serial = SerialPort(json.loads(running.stdout.readline())["port"], ROBOT.bus.baud)
        serial.open()
        try:
            bus = Bus(serial)
            before = bus.read(3, r.PRESENT_POSITION)
            running.stdin.write("wave\n3 90\n")
            running.stdin.flush()
            wait_until(lambda: bus.read(3, r.PRESENT_POSITION) == before + 1024)
        finally:
            serial.close()
            running.terminate()
        said = running.communicate()[1]
    assert "the hand does nothing: 'wave' is not SERVO DEGREES" in " ".join(said.split())

"""The Koch arm on an emulated bus: configured, fenced, read, moved, and loud about whatever breaks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel import instructions
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.koch_arm import KochArm
from libra_edge.drivers.dynamixel.turns import turn_correction
from libra_edge.drivers.simulation.servos.plant import KinematicPlant, ServoMeasurement
from libra_edge.drivers.simulation.servos.servo_spec import rest_ticks, specs_of
from libra_edge.errors import BusError
from libra_edge.protocols import Arm
from tests.dynamixel.bench import (
    IDS,
    ONE_TICK,
    ROBOT,
    UNHURRIED,
    StillPlant,
    emulated,
    opened,
    wait_until,
)


def test_it_is_an_arm() -> None:
    assert isinstance(KochArm(ROBOT, "/dev/null"), Arm)


def test_open_brings_servos_as_shipped_into_the_state_of_the_robot_file() -> None:
    reversed_by_time = {r.DRIVE_MODE: 0b1101}
    specs = [replace(spec, eeprom=reversed_by_time) for spec in specs_of(ROBOT)]
    with emulated(specs=specs) as emulator, opened(emulator):
        for joint in ROBOT.joint:
            expected = {
                r.TORQUE_ENABLE: 0,
                r.OPERATING_MODE: joint.mode,
                r.RETURN_DELAY: 0,
                r.DRIVE_MODE: 0b0001,
                r.BUS_WATCHDOG: 0,
                r.PROFILE_ACCELERATION: 0,
                r.PROFILE_VELOCITY: math.ceil(joint.velocity_deg_s * 1.25 / (0.229 * 6.0)),
            }
            assert {register: emulator.peek(joint.id, register) for register in expected} == expected
        assert [emulator.peek(3, gain) for gain in (r.POSITION_P, r.POSITION_I, r.POSITION_D)] == [1500, 0, 600]
        assert emulator.peek(1, r.POSITION_P) == 640
        assert emulator.peek(6, r.GOAL_CURRENT) == 500


def test_a_pwm_limit_in_the_robot_file_reaches_the_servo() -> None:
    weak = tuple(joint.model_copy(update={"pwm_limit": 400}) for joint in ROBOT.joint)
    with emulated() as emulator, opened(emulator, UNHURRIED.model_copy(update={"joint": weak})):
        assert [emulator.peek(servo_id, r.PWM_LIMIT) for servo_id in IDS] == [400] * 6


def test_torque_comes_on_at_the_present_pose_whatever_goal_stood_there_with_the_watchdog_armed_before() -> None:
    class Watching(KinematicPlant):
        armed: list[int] = []  # noqa: RUF012 - one plant only

        def set_torque(self, servo_id: int, on: bool) -> None:
            if on:
                self.armed.append(emulator.peek(servo_id, r.BUS_WATCHDOG))
            super().set_torque(servo_id, on)

    start = {servo_id: 1900 + 10 * servo_id for servo_id in IDS}
    plant = Watching(MonotonicClock(), start)
    with emulated(plant=plant) as emulator, opened(emulator) as arm:
        arm.write(ROBOT.rest)
        arm.enable_torque()
        assert plant.armed == [2540 // 20] * 6
        assert {servo_id: emulator.peek(servo_id, r.GOAL_POSITION) for servo_id in IDS} == start
        assert [emulator.peek(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [1] * 6


def test_read_gives_radians_and_signed_speed_in_joint_order() -> None:
    still = StillPlant(ServoMeasurement(position_tick=2048 + 512, velocity_raw=100, current_raw=0), [])
    with emulated(plant=still) as emulator, opened(emulator) as arm:
        state = arm.read()
    signs = np.array([joint.sign for joint in ROBOT.joint])
    np.testing.assert_allclose(state.position, signs * math.pi / 4.0)
    np.testing.assert_allclose(state.velocity, signs * 100 * 0.229 * 2.0 * math.pi / 60.0)


def test_write_moves_the_arm_and_every_goal_is_in_the_ledger_as_bytes() -> None:
    goal = ROBOT.rest + np.radians([10.0, -5.0, 8.0, 3.0, -20.0, 6.0])
    with emulated() as emulator, opened(emulator) as arm:
        arm.enable_torque()
        arm.write(goal)
        wait_until(lambda: bool(np.all(np.abs(arm.read().position - goal) <= ONE_TICK)))
        last = list(emulator.ledger.goals)[-6:]
    assert [(record.servo_id, record.accepted) for record in last] == [(servo_id, True) for servo_id in IDS]
    ticks = {record.servo_id: record.tick for record in last}
    assert last[0].packet == instructions.sync_write(116, {i: r.GOAL_POSITION.encode(ticks[i]) for i in IDS}).encode()
    np.testing.assert_allclose(ROBOT.to_radians(np.array([ticks[i] for i in IDS])), goal, atol=ONE_TICK)
    assert emulator.ledger.limits_violated == 0


def test_the_ledger_counts_goals_beyond_the_limits() -> None:
    with emulated() as emulator, opened(emulator) as arm:
        arm.enable_torque()
        arm.write(ROBOT.high)
        arm.write(ROBOT.low)
        arm.write(ROBOT.high + np.array([0.0, 0.01, 0.0, 0.01, 0.0, 0.0]))
        arm.read()
        assert emulator.ledger.limits_violated == 2


@pytest.mark.parametrize(
    "goal", [np.full(6, np.nan), np.array([0.0, 0, 0, 0, 0, np.inf]), np.full(6, 1e9), np.zeros(5)]
)
def test_a_goal_that_is_none_never_reaches_the_wire(goal: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    with emulated() as emulator, opened(emulator) as arm:
        before = emulator.ledger.packets
        with pytest.raises(BusError, match="was not sent"):
            arm.write(goal)
        assert (emulator.ledger.packets, len(emulator.ledger.goals)) == (before, 0)


@pytest.mark.parametrize(("degrees", "turns"), [(0.0, 0), (-114.0, 0), (113.0, 0), (10.0, 1), (-100.0, -1), (150.0, 0)])
@pytest.mark.parametrize("index", [2, 3])
def test_whole_turns_are_corrected_and_nothing_else(degrees: float, turns: int, index: int) -> None:
    ticks = ROBOT.to_ticks(ROBOT.rest)
    ticks[index] = ROBOT.to_ticks(np.full(6, math.radians(degrees)))[index]
    off = np.zeros(6, dtype=np.int64)
    off[index] = turns * 4096
    np.testing.assert_array_equal(turn_correction(ROBOT, ticks + off), -off)


def test_a_joint_whose_seam_lies_in_its_range_is_found_again_after_a_restart(caplog: pytest.LogCaptureFixture) -> None:
    """Zero at tick 4200: shown as 104 by a servo that has restarted there."""
    wrist = ROBOT.joint[3].model_copy(update={"zero_tick": 4200, "rest_deg": 0.0})
    robot = UNHURRIED.model_copy(update={"joint": (*ROBOT.joint[:3], wrist, *ROBOT.joint[4:])})
    plant = KinematicPlant(MonotonicClock(), rest_ticks(robot))
    with emulated(specs=specs_of(robot), plant=plant) as emulator, opened(emulator, robot) as arm:
        assert emulator.peek(4, r.PRESENT_POSITION) == 104
        assert "servo 4 (wrist_flex) lost count of its turns: +4096" in caplog.text
        np.testing.assert_allclose(arm.read().position, robot.rest, atol=ONE_TICK)
        arm.enable_torque()
        arm.write(robot.rest)
        arm.read()
        assert plant.measure(4).position_tick == 4200

"""The Koch arm on an emulated bus: configured, fenced, read, moved, and loud about whatever breaks."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel import instructions
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.koch_arm import WATCHDOG_POLL_CYCLES, KochArm
from libra_edge.drivers.dynamixel.servo_model import WATCHDOG_TRIPPED, XL330_M288
from libra_edge.drivers.simulation.servos.plant import KinematicPlant, ServoMeasurement
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import specs_of
from libra_edge.errors import BusError, ConfigError, MissingHardwareError, NoAnswerError, ServoError
from libra_edge.messages import JointState
from libra_edge.protocols import Arm
from libra_edge.robot import Robot
from tests.dynamixel.bench import (
    IDS,
    PATIENCE_S,
    ROBOT,
    StillPlant,
    SwitchedTransmit,
    emulated,
    wait_until,
)

ONE_TICK = 2.0 * math.pi / 4096.0
SHORT_S = 0.05


def with_watchdog(milliseconds: int) -> Robot:
    return ROBOT.model_copy(update={"bus": ROBOT.bus.model_copy(update={"watchdog_ms": milliseconds})})


UNHURRIED = with_watchdog(2540)


@contextmanager
def opened(
    emulator: ServoBusEmulator, robot: Robot = UNHURRIED, answer_margin_s: float = PATIENCE_S
) -> Iterator[KochArm]:
    arm = KochArm(robot, emulator.port, answer_margin_s=answer_margin_s)
    arm.open()
    try:
        yield arm
    finally:
        arm.close()


def read_on(arm: KochArm) -> JointState:
    """As many reads as the watchdog needs to be looked at once."""
    for _ in range(WATCHDOG_POLL_CYCLES):
        arm.read()
    return arm.read()


def reboot_behind_the_back(emulator: ServoBusEmulator, servo_id: int) -> None:
    """As a dip of its supply would."""
    heard = emulator.ledger.packets
    descriptor = os.open(emulator.port, os.O_WRONLY | os.O_NOCTTY)
    os.write(descriptor, instructions.reboot(servo_id).encode())
    os.close(descriptor)
    wait_until(lambda: emulator.ledger.packets > heard)


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


def test_torque_comes_on_at_the_present_pose_with_the_watchdog_armed_before() -> None:
    class Watching(KinematicPlant):
        armed: list[int] = []  # noqa: RUF012 - one plant only

        def set_torque(self, servo_id: int, on: bool) -> None:
            if on:
                self.armed.append(emulator.peek(servo_id, r.BUS_WATCHDOG))
            super().set_torque(servo_id, on)

    start = {servo_id: 1900 + 10 * servo_id for servo_id in IDS}
    plant = Watching(MonotonicClock(), start)
    with emulated(plant=plant) as emulator, opened(emulator) as arm:
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


def test_an_overload_is_noticed_in_the_next_read_and_named() -> None:
    with emulated() as emulator, opened(emulator) as arm:
        arm.enable_torque()
        arm.read()
        emulator.raise_hardware_error(6, 0b100000)
        with pytest.raises(ServoError, match=r"servo 6 .* overload at gripper") as caught:
            arm.read()
        assert (caught.value.servo_id, caught.value.code) == (6, 0b100000)


def test_a_servo_in_a_hardware_error_is_not_opened() -> None:
    with emulated() as emulator:
        emulator.raise_hardware_error(2, 0b100)
        with pytest.raises(ServoError, match="overheated at shoulder_lift"), opened(emulator):
            pass
        with pytest.raises(ServoError), opened(emulator):
            pytest.fail("the port must be free again, and the servo still refused")


def test_servos_that_do_not_answer_are_named() -> None:
    with (
        emulated(specs=specs_of(ROBOT)[:3]) as emulator,
        pytest.raises(MissingHardwareError, match=r"servo 4 \(wrist_flex\), .*servo 6 \(gripper\).* 1000000 baud"),
        opened(emulator, answer_margin_s=SHORT_S),
    ):
        pass


def test_another_servo_model_is_refused() -> None:
    specs = [replace(spec, model=XL330_M288) for spec in specs_of(ROBOT)]
    with (
        emulated(specs=specs) as emulator,
        pytest.raises(ConfigError, match=r"servo 1 \(shoulder_pan\) is xl330-m288 .* says xl430-w250"),
        opened(emulator),
    ):
        pass


def test_joints_that_a_servo_cannot_be_are_refused_before_any_port_is_opened() -> None:
    def with_gripper(**changes: object) -> Robot:
        return ROBOT.model_copy(update={"joint": (*ROBOT.joint[:5], ROBOT.joint[5].model_copy(update=changes))})

    with pytest.raises(ConfigError, match="no operating mode 5"):
        KochArm(with_gripper(servo="xl430-w250"), "/dev/null")
    with pytest.raises(ConfigError, match="cannot limit its current"):
        KochArm(with_gripper(servo="xl430-w250", mode=4), "/dev/null")
    with pytest.raises(ConfigError, match="without goal_current_ma"):
        KochArm(with_gripper(goal_current_ma=None), "/dev/null")


def test_a_silent_host_trips_every_watchdog_and_reads_say_so_until_torque_is_enabled_again() -> None:
    with emulated() as emulator, opened(emulator, with_watchdog(20)) as arm:
        arm.enable_torque()
        wait_until(lambda: emulator.ledger.watchdog_trips >= 6)
        assert [emulator.peek(servo_id, r.BUS_WATCHDOG) for servo_id in IDS] == [WATCHDOG_TRIPPED] * 6
        for _ in range(2):
            with pytest.raises(BusError, match=r"watchdog of servo 1 \(shoulder_pan\), .*tripped"):
                read_on(arm)
        arm.write(ROBOT.rest)
        wait_until(lambda: not emulator.ledger.goals[-1].accepted)


def test_enabling_torque_clears_a_tripped_watchdog_and_restores_the_fences() -> None:
    with emulated() as emulator:
        with opened(emulator, with_watchdog(20)) as arm:
            arm.enable_torque()
            wait_until(lambda: emulator.ledger.watchdog_trips >= 6)
            assert emulator.peek(1, r.PROFILE_VELOCITY) == 0
        with opened(emulator) as arm:
            arm.enable_torque()
            read_on(arm)
            assert emulator.peek(1, r.PROFILE_VELOCITY) > 0


def test_a_servo_that_restarted_is_noticed() -> None:
    with emulated() as emulator, opened(emulator) as arm:
        arm.enable_torque()
        read_on(arm)
        reboot_behind_the_back(emulator, 4)
        with pytest.raises(BusError, match=r"servo 4 \(wrist_flex\) restarted"):
            read_on(arm)


def test_without_torque_a_watchdog_that_is_off_is_no_fault() -> None:
    with emulated() as emulator, opened(emulator) as arm:
        arm.enable_torque()
        arm.disable_torque()
        reboot_behind_the_back(emulator, 4)
        read_on(arm)


def test_torque_goes_off_everywhere_although_one_servo_does_not_answer() -> None:
    transmit = SwitchedTransmit()
    with emulated(transmit) as emulator, opened(emulator, answer_margin_s=0.3) as arm:
        arm.enable_torque()
        assert [emulator.peek(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [1] * 6
        transmit.fault = lambda packet: b"" if packet[4] == 2 else packet
        with pytest.raises(BusError, match=r"torque may still be on: servo 2 \(shoulder_lift\)"):
            arm.disable_torque()
        assert [emulator.peek(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [0] * 6


def test_torque_that_cannot_be_enabled_everywhere_is_taken_off_again() -> None:
    class DropsOut(KinematicPlant):
        def set_torque(self, servo_id: int, on: bool) -> None:
            if servo_id == 4 and on:
                transmit.fault = lambda packet: b"" if packet[4] == 4 else packet
            super().set_torque(servo_id, on)

    transmit = SwitchedTransmit()
    plant = DropsOut(MonotonicClock(), dict.fromkeys(IDS, 2048))
    with emulated(transmit, plant=plant) as emulator, opened(emulator, answer_margin_s=0.3) as arm:
        with pytest.raises(NoAnswerError, match="servo 4"):
            arm.enable_torque()
        assert [emulator.peek(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [0] * 6


@pytest.mark.timeout(PATIENCE_S / 2)
def test_a_damaged_fast_answer_is_asked_for_again_and_counted() -> None:
    transmit = SwitchedTransmit()
    with emulated(transmit) as emulator, opened(emulator) as arm:
        expected = arm.read().position
        transmit.fault = lambda packet: packet[:-1] + bytes([packet[-1] ^ 1]) if packet[4] == 0xFE else packet
        np.testing.assert_array_equal(arm.read().position, expected)
        assert arm.repeated == 1


def test_old_firmware_is_read_the_slow_way_and_that_is_announced(caplog: pytest.LogCaptureFixture) -> None:
    specs = [replace(spec, firmware=44) for spec in specs_of(ROBOT)]
    with (
        emulated(specs=specs) as emulator,
        caplog.at_level(logging.WARNING),
        opened(emulator, answer_margin_s=0.3) as arm,
    ):
        np.testing.assert_allclose(arm.read().position, ROBOT.rest, atol=ONE_TICK)
        assert arm.repeated == 0
    assert "fast sync read" in caplog.text

"""The Koch arm on an emulated bus: what breaks is named, and torque is never left behind."""

from __future__ import annotations

import logging
import os
from dataclasses import replace

import numpy as np
import pytest

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel import instructions
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.koch_arm import KochArm
from libra_edge.drivers.dynamixel.servo_model import WATCHDOG_TRIPPED, XL330_M288
from libra_edge.drivers.dynamixel.servo_watch import WATCHDOG_POLL_CYCLES
from libra_edge.drivers.simulation.servos.plant import KinematicPlant
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import specs_of
from libra_edge.errors import BusError, ConfigError, HardwareAlertError, MissingHardwareError, NoAnswerError
from libra_edge.messages import JointState
from libra_edge.robot import Robot
from tests.dynamixel.bench import (
    IDS,
    ONE_TICK,
    PATIENCE_S,
    ROBOT,
    SwitchedTransmit,
    emulated,
    opened,
    wait_until,
    with_watchdog,
)

SHORT_S = 0.05


def read_on(arm: KochArm) -> JointState:
    """As many reads as it takes to look at every watchdog once."""
    for _ in range(WATCHDOG_POLL_CYCLES * len(IDS)):
        arm.read()
    return arm.read()


def reboot_behind_the_back(emulator: ServoBusEmulator, servo_id: int) -> None:
    """As a dip of its supply would."""
    heard = emulator.ledger.packets
    descriptor = os.open(emulator.port, os.O_WRONLY | os.O_NOCTTY)
    os.write(descriptor, instructions.reboot(servo_id).encode())
    os.close(descriptor)
    wait_until(lambda: emulator.ledger.packets > heard)


def test_an_overload_is_noticed_in_the_next_read_and_named() -> None:
    with emulated() as emulator, opened(emulator) as arm:
        arm.enable_torque()
        arm.read()
        emulator.raise_hardware_error(6, 0b100000)
        with pytest.raises(HardwareAlertError, match=r"servo 6 .* overload at gripper") as caught:
            arm.read()
        assert (caught.value.servo_id, caught.value.code) == (6, 0b100000)


def test_a_servo_in_a_hardware_error_is_not_opened_and_the_port_is_free_again() -> None:
    with emulated() as emulator:
        emulator.raise_hardware_error(2, 0b100)
        arms = [KochArm(ROBOT, emulator.port, answer_margin_s=PATIENCE_S) for _ in range(2)]
        for arm in arms:
            with pytest.raises(HardwareAlertError, match="overheated at shoulder_lift"):
                arm.open()


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
            with pytest.raises(BusError, match=r"watchdog of servo 1 \(shoulder_pan\) has tripped"):
                read_on(arm)
        arm.write(ROBOT.rest)
        wait_until(lambda: not emulator.ledger.goals[-1].accepted)


def test_enabling_torque_clears_a_tripped_watchdog() -> None:
    with emulated() as emulator, opened(emulator, with_watchdog(200)) as arm:
        arm.enable_torque()
        wait_until(lambda: emulator.ledger.watchdog_trips >= 6)
        arm.enable_torque()
        assert all(emulator.peek(servo_id, r.BUS_WATCHDOG) != WATCHDOG_TRIPPED for servo_id in IDS)


def test_enabling_torque_restores_the_fences_that_a_restart_has_taken_down() -> None:
    with emulated() as emulator, opened(emulator) as arm:
        fence = emulator.peek(6, r.PROFILE_VELOCITY), emulator.peek(6, r.GOAL_CURRENT)
        reboot_behind_the_back(emulator, 6)
        assert emulator.peek(6, r.PROFILE_VELOCITY) == 0
        arm.enable_torque()
        assert (emulator.peek(6, r.PROFILE_VELOCITY), emulator.peek(6, r.GOAL_CURRENT)) == fence


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
        assert emulator.peek(4, r.BUS_WATCHDOG) == 0


def test_torque_goes_off_everywhere_although_one_servo_does_not_answer() -> None:
    transmit = SwitchedTransmit()
    with emulated(transmit) as emulator, opened(emulator, answer_margin_s=0.3) as arm:
        arm.enable_torque()
        assert [emulator.peek(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [1] * 6
        transmit.fault = lambda packet: b"" if packet[4] == 2 else packet
        with pytest.raises(BusError, match=r"torque may still be on: servo 2 \(shoulder_lift\)"):
            arm.disable_torque()
        assert [emulator.peek(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [0] * 6


def test_torque_that_cannot_be_enabled_everywhere_is_taken_off_again(caplog: pytest.LogCaptureFixture) -> None:
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
        assert "torque may still be on: servo 4 (wrist_flex)" in caplog.text
        assert [emulator.peek(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [0] * 6


@pytest.mark.timeout(PATIENCE_S / 2)
def test_a_damaged_fast_answer_is_asked_for_again_and_counted() -> None:
    transmit = SwitchedTransmit()
    with emulated(transmit) as emulator, opened(emulator) as arm:
        expected = arm.read().position
        transmit.fault = lambda packet: packet[:-1] + bytes([packet[-1] ^ 1]) if packet[4] == 0xFE else packet
        np.testing.assert_array_equal(arm.read().position, expected)
        assert arm.counts.repeated == 1


def test_old_firmware_is_read_the_slow_way_and_that_is_announced(caplog: pytest.LogCaptureFixture) -> None:
    specs = [replace(spec, firmware=44) for spec in specs_of(ROBOT)]
    with (
        emulated(specs=specs) as emulator,
        caplog.at_level(logging.WARNING),
        opened(emulator, answer_margin_s=0.3) as arm,
    ):
        before = arm.counts.repeated
        np.testing.assert_allclose(arm.read().position, ROBOT.rest, atol=ONE_TICK)
        assert arm.counts.repeated == before
    assert "fast sync read" in caplog.text

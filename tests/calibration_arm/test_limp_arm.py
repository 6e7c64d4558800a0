"""The limp arm on emulated servos: read, let go, written to as a whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.koch_arm import KochArm
from libra_edge.drivers.dynamixel.limp_arm import LimpArm
from libra_edge.drivers.simulation.servos.plant import KinematicPlant
from libra_edge.drivers.simulation.servos.second_order_plant import SecondOrderPlant
from libra_edge.errors import BusError, ConfigError, MissingHardwareError
from tests.calibration_arm.hands import JOINTS, KOCH, MIDDLE, as_shipped, handled_arm
from tests.dynamixel.bench import IDS, bus_on


def test_looking_changes_nothing() -> None:
    with handled_arm() as arm:
        with bus_on(arm.emulator) as bus:
            bus.write(2, r.TORQUE_ENABLE, 1)
        with LimpArm(KOCH, arm.emulator.port).opened() as limp:
            assert limp.positions() == dict(zip(JOINTS, MIDDLE.values(), strict=True))
            assert limp.memory() == as_shipped()
        assert arm.torques() == [0, 1, 0, 0, 0, 0]


def test_every_servo_that_hears_is_let_go_and_the_others_are_named() -> None:
    with handled_arm() as arm:
        with bus_on(arm.emulator) as bus:
            for servo_id in IDS:
                bus.write(servo_id, r.TORQUE_ENABLE, 1)
        with LimpArm(KOCH, arm.emulator.port).opened() as limp:
            with arm.emulator.servos() as servos:
                lost = servos.pop(3)
            with pytest.raises(BusError, match=r"torque may still be on: servo 3 \(elbow_flex\)"):
                limp.release()
            assert "elbow_flex" not in limp.positions()
            with arm.emulator.servos() as servos:
                servos[3] = lost
        assert arm.torques() == [0, 0, 1, 0, 0, 0]


def test_turns_are_counted_anew() -> None:
    with handled_arm() as arm, LimpArm(KOCH, arm.emulator.port).opened() as limp:
        for step in range(2000, 5001, 1000):
            arm.lead(5, step)
        arm.lead(4, -100)
        before = limp.positions()
        limp.count_turns_anew()
        after = limp.positions()
        assert (before["wrist_roll"], after["wrist_roll"]) == (5000, 904)
        assert (before["wrist_flex"], after["wrist_flex"]) == (-100, 3996)
        assert after["elbow_flex"] == before["elbow_flex"]


def test_what_is_to_be_remembered_is_read_back() -> None:
    wanted = {
        name: replace(held, homing_offset=-7, range_min=100, range_max=3000) for name, held in as_shipped().items()
    }
    with handled_arm() as arm, LimpArm(KOCH, arm.emulator.port).opened() as limp:
        limp.remember(wanted)
        assert limp.memory() == wanted
        assert {arm.held(servo_id) for servo_id in IDS} == {(-7, 100, 3000)}


def test_if_one_servo_refuses_all_get_back_what_they_held() -> None:
    wanted = {name: replace(held, homing_offset=-7) for name, held in as_shipped().items()}
    with handled_arm() as arm:
        with bus_on(arm.emulator) as bus:
            bus.write(4, r.TORQUE_ENABLE, 1)  # its EEPROM is locked
        with LimpArm(KOCH, arm.emulator.port).opened() as limp, pytest.raises(BusError, match="servo 4"):
            limp.remember(wanted)
        assert {arm.held(servo_id) for servo_id in IDS} == {(0, 0, 4095)}


def test_a_missing_servo_is_missing_hardware() -> None:
    with handled_arm() as arm:
        with arm.emulator.servos() as servos:
            del servos[6]
        with (
            pytest.raises(MissingHardwareError, match=r"servo 6 \(gripper\)"),
            LimpArm(KOCH, arm.emulator.port).opened(),
        ):
            pass


@pytest.mark.parametrize(("offset", "fits"), [(0, True), (5, False)])
def test_an_arm_calibrated_since_its_zero_was_measured_is_not_driven(offset: int, fits: bool) -> None:
    joints = tuple(joint.model_copy(update={"homing_offset": offset}) for joint in KOCH.joint)
    robot = KOCH.model_copy(update={"joint": joints})
    with handled_arm() as arm:
        driven = KochArm(robot, arm.emulator.port)
        if fits:
            driven.open()
            driven.close()
            return
        with pytest.raises(ConfigError, match=r"servo 1 \(shoulder_pan\) holds homing offset 0, .* with 5"):
            driven.open()


@pytest.mark.parametrize("kind", [KinematicPlant, SecondOrderPlant])
def test_a_hand_leads_a_limp_joint_and_no_other(kind: type[KinematicPlant] | type[SecondOrderPlant]) -> None:
    plant = kind(MonotonicClock(), {1: 2000, 2: 2000})
    plant.set_torque(2, on=True)
    for servo_id in (1, 2):
        plant.turn_by_hand(servo_id, 2300)
    assert [plant.measure(servo_id).position_tick for servo_id in (1, 2)] == [2300, 2000]

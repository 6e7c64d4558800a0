"""Arms whose servos differ in number, id, model, mode, zero and sign: one code drives them, by their files alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.dynamixel_arm import DynamixelArm
from libra_edge.drivers.dynamixel.servo_model import MODELS
from libra_edge.drivers.dynamixel.servo_watch import WATCHDOG_POLL_CYCLES
from libra_edge.drivers.simulation.servos import servo_faults
from libra_edge.drivers.simulation.servos.plant import KinematicPlant
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import ServoSpec, rest_ticks, specs_of
from libra_edge.errors import BusError, HardwareAlertError, MissingServosError
from libra_edge.messages import Float64
from libra_edge.robot import Robot, open_robot
from tests.dynamixel.bench import ONE_TICK, PATIENCE_S, emulated, wait_until

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "four_servos.toml"
ROBOTS = {name: open_robot(name) for name in ("koch", "koch-leader", str(EXAMPLE))}
SHORT_S = 0.05
STEPS = 300
OVERLOAD = 0b100000


@pytest.fixture(params=ROBOTS.values(), ids=lambda robot: robot.name)
def robot(request: pytest.FixtureRequest) -> Robot:
    """One whose servos bear any silence that a busy machine may cause."""
    found: Robot = request.param
    return found.model_copy(update={"bus": found.bus.model_copy(update={"watchdog_ms": 2540})})


@contextmanager
def opened(
    robot: Robot, specs: tuple[ServoSpec, ...] = (), margin_s: float = PATIENCE_S
) -> Iterator[tuple[ServoBusEmulator, DynamixelArm]]:
    """Emulated servos of the robot, and the arm on them."""
    plant = KinematicPlant(MonotonicClock(), rest_ticks(robot))
    with emulated(specs=specs or specs_of(robot), plant=plant) as emulator:
        arm = DynamixelArm(robot, emulator.port, answer_margin_s=margin_s)
        arm.open()
        try:
            yield emulator, arm
        finally:
            arm.close()


def read_of_all_watchdogs(arm: DynamixelArm) -> None:
    for _ in range(WATCHDOG_POLL_CYCLES * (len(arm.joint_names) + 1)):
        arm.read()


def recovered(arm: DynamixelArm, goal: Float64) -> Float64:
    for _ in range(STEPS):
        pose = arm.recover(goal)
        if pose is not None:
            return pose
    raise AssertionError(f"not recovered: {arm.missing()}")


def test_registers_are_what_the_file_asks_for(robot: Robot) -> None:
    with opened(robot) as (emulator, arm):
        arm.enable_torque()
        for joint in robot.joint:
            model = MODELS[joint.servo]
            pid = joint.pid or tuple(model.initial(gain) for gain in (r.POSITION_P, r.POSITION_I, r.POSITION_D))
            found = [emulator.peek(joint.id, item) for item in (r.POSITION_P, r.POSITION_I, r.POSITION_D)]
            assert tuple(found) == pid
            assert emulator.peek(joint.id, r.OPERATING_MODE) == joint.mode
            assert emulator.peek(joint.id, r.BUS_WATCHDOG) == 127
            assert emulator.peek(joint.id, r.TORQUE_ENABLE) == 1
            if joint.goal_current_ma is not None:
                assert emulator.peek(joint.id, r.GOAL_CURRENT) == joint.goal_current_ma


def test_goals_reach_the_servos_by_zero_and_sign_and_are_read_back(robot: Robot) -> None:
    with opened(robot) as (emulator, arm):
        arm.enable_torque()
        np.testing.assert_allclose(arm.read().position, robot.rest, atol=ONE_TICK)
        goal = (robot.rest + robot.high) / 2.0
        arm.write(goal)
        wait_until(lambda: len(emulator.ledger.goals) >= 2 * len(robot.joint))
        told = {record.servo_id: record.tick for record in list(emulator.ledger.goals)[-len(robot.joint) :]}
        degrees = zip(robot.joint, np.degrees(goal), strict=True)
        assert told == {joint.id: round(joint.zero_tick + joint.sign * angle * 4096 / 360) for joint, angle in degrees}
        wait_until(lambda: bool(np.allclose(arm.read().position, goal, atol=ONE_TICK)))
        assert emulator.ledger.limits_violated == 0


def test_every_silent_servo_is_named_with_the_time_and_the_others_are_known(robot: Robot) -> None:
    with opened(robot, margin_s=SHORT_S) as (emulator, arm):
        arm.enable_torque()
        arm.read()
        for index, joint in enumerate(robot.joint):
            taken = servo_faults.take_out(emulator, [joint.id])
            with pytest.raises(MissingServosError, match=rf"servo {joint.id} \({joint.name}\) for 0\.") as caught:
                read_twice(arm)
            assert list(caught.value.silent_s) == [joint.id]
            seen = caught.value.joints.position
            assert np.flatnonzero(np.isnan(seen)).tolist() == [index]
            np.testing.assert_allclose(np.delete(seen, index), np.delete(robot.rest, index), atol=ONE_TICK)
            servo_faults.put_back(emulator, taken)
            arm.read()


def test_who_was_silent_in_the_last_read_is_asked_once_a_read_until_it_answers(robot: Robot) -> None:
    ids = [joint.id for joint in robot.joint][-3:]
    with opened(robot, margin_s=SHORT_S) as (emulator, arm):
        arm.enable_torque()
        arm.read()
        taken = servo_faults.take_out(emulator, ids)
        with pytest.raises(MissingServosError):
            read_twice(arm)
        before = replace(arm.counts)
        for _ in range(3):
            with pytest.raises(MissingServosError) as caught:
                arm.read()
            assert list(caught.value.silent_s) == ids
        assert (arm.counts.asked - before.asked, arm.counts.repeated - before.repeated) == (3, 0)
        servo_faults.put_back(emulator, taken)
        arm.read()


def read_twice(arm: DynamixelArm) -> None:
    """The first read after a servo fell silent may not have found all behind it; the second has."""
    try:
        arm.read()
    except MissingServosError:
        arm.read()


def test_a_restarted_servo_is_noticed_and_set_up_again_where_it_stands(robot: Robot) -> None:
    with opened(robot) as (emulator, arm):
        arm.enable_torque()
        for joint in robot.joint:
            here = arm.read().position
            servo_faults.restart(emulator, [joint.id])
            with pytest.raises(BusError, match=rf"servo {joint.id} \({joint.name}\) restarted"):
                read_of_all_watchdogs(arm)
            np.testing.assert_allclose(recovered(arm, here), here, atol=ONE_TICK)
            assert emulator.peek(joint.id, r.TORQUE_ENABLE) == 1
        read_of_all_watchdogs(arm)


def test_an_overloaded_servo_is_restarted_only_where_the_file_allows_it(robot: Robot) -> None:
    joint = robot.joint[-1]
    with opened(robot) as (emulator, arm):
        arm.enable_torque()
        here = arm.read().position
        emulator.raise_hardware_error(joint.id, OVERLOAD)
        assert emulator.peek(joint.id, r.TORQUE_ENABLE) == 0
        if not robot.servo.reboot_overloaded:
            with pytest.raises(HardwareAlertError, match=f"overload at {joint.name}"):
                arm.read()
            return
        with pytest.raises(BusError, match=rf"servo {joint.id} \({joint.name}\) has switched itself off"):
            arm.read()
        np.testing.assert_allclose(recovered(arm, here), here, atol=ONE_TICK)
        assert [emulator.peek(joint.id, item) for item in (r.HARDWARE_ERROR, r.TORQUE_ENABLE)] == [0, 1]
        assert emulator.peek(joint.id, r.GOAL_CURRENT) == joint.goal_current_ma


@pytest.mark.parametrize("old", ["all", "first"])
def test_servos_with_old_firmware_are_read_the_slow_way(
    robot: Robot, old: str, caplog: pytest.LogCaptureFixture
) -> None:
    aged = len(robot.joint) if old == "all" else 1
    specs = tuple(replace(spec, firmware=44) if i < aged else spec for i, spec in enumerate(specs_of(robot)))
    with opened(robot, specs) as (_, arm):
        np.testing.assert_allclose(arm.read().position, robot.rest, atol=ONE_TICK)
        assert arm.counts.unanswered == 0
    assert f"servo {robot.joint[0].id} ({robot.joint[0].name}) has firmware 44" in caplog.text
    assert caplog.text.count("firmware 44") == aged


def test_voltage_and_temperature_come_in_turn_and_heat_is_told_once(
    robot: Robot, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(robot) as (emulator, arm):
        hot = robot.joint[-1]
        with emulator.servos() as servos:
            servos[hot.id][r.PRESENT_TEMPERATURE] = 66
        for _ in range(2 * 50 * len(robot.joint)):
            arm.read()
        assert set(arm.supplies) == set(robot.joint_names)
        volts = {joint.name: {"xl430-w250": 12.0}.get(joint.servo, 5.0) for joint in robot.joint}
        assert {name: supply.volts for name, supply in arm.supplies.items()} == volts
        assert arm.supplies[hot.name].celsius == 66
    assert caplog.text.count("nearly too hot, it shuts down at 70 C") == 1


def test_goal_and_watchdog_stand_in_a_servo_before_torque_comes(robot: Robot) -> None:
    class Watching(KinematicPlant):
        def set_torque(self, servo_id: int, on: bool) -> None:
            if on:
                seen.append((servo_id, *(emulator.peek(servo_id, item) for item in (r.BUS_WATCHDOG, r.GOAL_POSITION))))
            super().set_torque(servo_id, on)

    seen: list[tuple[int, ...]] = []
    with emulated(specs=specs_of(robot), plant=Watching(MonotonicClock(), rest_ticks(robot))) as emulator:
        arm = DynamixelArm(robot, emulator.port, answer_margin_s=PATIENCE_S)
        arm.open()
        arm.enable_torque()
        arm.close()
    assert seen == [(joint.id, 127, rest_ticks(robot)[joint.id]) for joint in robot.joint]


def test_answers_spoilt_now_and_then_are_asked_for_again(robot: Robot) -> None:
    with opened(robot, margin_s=SHORT_S) as (emulator, arm):
        arm.enable_torque()
        number = itertools.count()
        emulator.transmit = lambda packet: packet[:-1] + bytes([packet[-1] ^ 1]) if next(number) % 5 == 0 else packet
        for _ in range(40):
            np.testing.assert_allclose(arm.read().position, robot.rest, atol=ONE_TICK)
        assert arm.counts.corrupt == arm.counts.repeated > 0

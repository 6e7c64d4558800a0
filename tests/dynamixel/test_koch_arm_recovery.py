"""The Koch arm brought back to life on an emulated bus: after restarts, tripped watchdogs, silence and a lost port."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel import instructions
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.answer_lengths import LENGTHS
from libra_edge.drivers.dynamixel.koch_arm import KochArm
from libra_edge.drivers.dynamixel.servo_watch import WATCHDOG_POLL_CYCLES
from libra_edge.drivers.dynamixel.turns import kept_turns
from libra_edge.drivers.simulation.servos.plant import KinematicPlant, ServoMeasurement
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import rest_ticks, specs_of
from libra_edge.errors import BusError, HardwareAlertError, NoAnswerError
from libra_edge.messages import Float64, JointState
from tests.dynamixel.bench import (
    IDS,
    ONE_TICK,
    PATIENCE_S,
    ROBOT,
    UNHURRIED,
    StillPlant,
    SwitchedTransmit,
    emulated,
    opened,
    wait_until,
    with_watchdog,
)

SHORT_S = 0.05
STEPS = 200


def recovered(arm: KochArm, goal: Float64, before: Callable[[], object] = lambda: None) -> Float64:
    """Step until the arm is back."""
    for _ in range(STEPS):
        before()
        pose = arm.recover(goal)
        if pose is not None:
            return pose
    raise AssertionError(f"not recovered: {arm.missing()}")


def read_of_all_watchdogs(arm: KochArm) -> None:
    """As many reads as it takes to look at every watchdog once."""
    for _ in range(WATCHDOG_POLL_CYCLES * (len(IDS) + 1)):
        arm.read()


def reboot(emulator: ServoBusEmulator, *servo_ids: int) -> None:
    """As a dip of their supply would."""
    heard = emulator.ledger.packets
    descriptor = os.open(emulator.port, os.O_WRONLY | os.O_NOCTTY)
    os.write(descriptor, b"".join(instructions.reboot(servo_id).encode() for servo_id in servo_ids))
    os.close(descriptor)
    wait_until(lambda: emulator.ledger.packets >= heard + len(servo_ids))


def fences(emulator: ServoBusEmulator, servo_id: int) -> list[int]:
    fenced = (r.TORQUE_ENABLE, r.BUS_WATCHDOG, r.POSITION_P, r.PROFILE_VELOCITY)
    return [emulator.peek(servo_id, register) for register in fenced]


@pytest.mark.parametrize("servo_ids", [(5,), (3, 4, 5, 6)], ids=["one servo", "a whole chain"])
def test_servos_that_restarted_are_set_up_again_where_they_stand(servo_ids: tuple[int, ...]) -> None:
    with emulated() as emulator, opened(emulator) as arm:
        arm.enable_torque()
        before = [fences(emulator, servo_id) for servo_id in IDS]
        here = arm.read().position
        reboot(emulator, *servo_ids)
        assert all(emulator.peek(servo_id, r.TORQUE_ENABLE) == 0 for servo_id in servo_ids)
        with pytest.raises(BusError, match="restarted"):
            read_of_all_watchdogs(arm)
        pose = recovered(arm, here)
        np.testing.assert_allclose(pose, here, atol=ONE_TICK)
        assert [fences(emulator, servo_id) for servo_id in IDS] == before
        assert arm.missing() == ""
        read_of_all_watchdogs(arm)


def test_before_torque_comes_back_goal_and_watchdog_stand_in_the_servo() -> None:
    class Watching(KinematicPlant):
        seen: list[tuple[int, int]] = []  # noqa: RUF012 - one plant only

        def set_torque(self, servo_id: int, on: bool) -> None:
            if on:
                self.seen.append((emulator.peek(servo_id, r.BUS_WATCHDOG), emulator.peek(servo_id, r.GOAL_POSITION)))
            super().set_torque(servo_id, on)

    plant = Watching(MonotonicClock(), rest_ticks(ROBOT))
    with emulated(plant=plant) as emulator, opened(emulator) as arm:
        arm.enable_torque()
        reboot(emulator, 4)
        plant.seen.clear()
        recovered(arm, ROBOT.rest + 0.5)
        assert plant.seen == [(2540 // 20, rest_ticks(ROBOT)[4])]


def test_tripped_watchdogs_are_armed_again_and_goals_are_heard() -> None:
    with emulated() as emulator, opened(emulator, with_watchdog(200)) as arm:
        arm.enable_torque()
        arm.write(ROBOT.rest)
        wait_until(lambda: emulator.ledger.watchdog_trips >= 6)
        pose = recovered(arm, ROBOT.rest + 0.3)
        np.testing.assert_allclose(pose, ROBOT.rest, atol=ONE_TICK)
        arm.write(pose)
        arm.read()
        assert all(goal.accepted for goal in list(emulator.ledger.goals)[-6:])


def test_while_a_servo_is_silent_the_others_hear_the_goal_and_it_is_named_with_the_time() -> None:
    transmit = SwitchedTransmit()
    with emulated(transmit) as emulator, opened(emulator, answer_margin_s=SHORT_S) as arm:
        arm.enable_torque()
        transmit.fault = lambda packet: b"" if packet[4] in {2, 0xFE} else packet
        with pytest.raises(NoAnswerError, match="servo 2"):
            arm.read()
        goal = ROBOT.rest.copy()
        for _ in range(12):
            goal = goal + 0.01
            assert arm.recover(goal) is None
        assert arm.missing().startswith("no answer from servo 2 (shoulder_lift) for 0.")
        hearing = [(joint.id, int(tick)) for joint, tick in zip(ROBOT.joint, ROBOT.to_ticks(goal), strict=True)]
        hearing.pop(1)
        wait_until(lambda: [(told.servo_id, told.tick) for told in list(emulator.ledger.goals)[-5:]] == hearing)
        transmit.fault = bytes
        np.testing.assert_allclose(recovered(arm, goal), goal)


def test_a_port_that_comes_back_is_opened_again(tmp_path: Path) -> None:
    link = tmp_path / "arm"
    robot = with_watchdog(2540)
    with emulated() as first:
        link.symlink_to(first.port)
        arm = KochArm(robot, str(link), answer_margin_s=SHORT_S)
        arm.open()
        arm.enable_torque()
    with pytest.raises(BusError, match="unplugged"):
        arm.read()
    link.unlink()
    for _ in range(3):
        assert arm.recover(ROBOT.rest) is None
    assert "there is no port" in arm.missing()
    with emulated() as second:
        link.symlink_to(second.port)
        np.testing.assert_allclose(recovered(arm, ROBOT.rest), ROBOT.rest, atol=ONE_TICK)
        assert [second.peek(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [1] * 6
        arm.close()


def test_a_servo_that_restarted_in_a_hardware_error_is_left_alone() -> None:
    with emulated() as emulator, opened(emulator) as arm:
        arm.enable_torque()
        emulator.raise_hardware_error(6, 0b1)
        with pytest.raises(HardwareAlertError, match=r"servo 6 .* supply voltage out of range at gripper"):
            recovered(arm, ROBOT.rest)


def test_answers_lost_now_and_then_do_not_keep_it_from_recovering() -> None:
    transmit, count = SwitchedTransmit(), itertools.count(1)
    with emulated(transmit) as emulator, opened(emulator, answer_margin_s=SHORT_S) as arm:
        arm.enable_torque()
        reboot(emulator, *IDS)
        transmit.fault = lambda packet: b"" if next(count) % 23 == 0 else packet
        recovered(arm, ROBOT.rest)
        assert [emulator.peek(servo_id, r.TORQUE_ENABLE) for servo_id in IDS] == [1] * 6


def test_a_joint_past_its_seam_is_where_it_was_after_a_restart() -> None:
    """Zero at tick 4200: the servo counts 4200 before the restart, 104 after it."""
    wrist = ROBOT.joint[3].model_copy(update={"zero_tick": 4200, "rest_deg": 0.0})
    robot = UNHURRIED.model_copy(update={"joint": (*ROBOT.joint[:3], wrist, *ROBOT.joint[4:])})
    plant = KinematicPlant(MonotonicClock(), {**rest_ticks(robot), 4: 4000})
    with emulated(specs=specs_of(robot), plant=plant) as emulator, opened(emulator, robot) as arm:
        arm.enable_torque()
        start = arm.read().position
        arm.write(np.where(np.arange(6) == 3, 0.0, start))
        wait_until(lambda: abs(arm.read().position[3]) <= ONE_TICK)
        here = arm.read().position
        reboot(emulator, 4)
        np.testing.assert_allclose(recovered(arm, here), here, atol=ONE_TICK)
        np.testing.assert_allclose(arm.read().position, here, atol=ONE_TICK)


@pytest.mark.parametrize(
    ("expected", "tick", "turns"), [(4200, 104, 1), (4000, 4001, 0), (-30, 4066, -1), (2048, 0, 0)]
)
def test_turns_are_kept_to_within_half_a_turn(expected: int, tick: int, turns: int) -> None:
    assert kept_turns(expected, tick) == turns * 4096


@pytest.mark.parametrize("firmware", [44, 60], ids=["plain reads", "fast reads"])
def test_an_answer_that_comes_after_the_next_question_is_not_taken_for_its_answer(firmware: int) -> None:
    """Answers of a cycle that went unanswered arrive in the next one, before those that belong there."""
    held: list[bytes] = []

    def hold_back(packet: bytes) -> bytes:
        held.append(packet)
        return b""

    def late_ones_first(packet: bytes) -> bytes:
        late, held[:] = b"".join(held), []
        return late + packet

    transmit, plant = SwitchedTransmit(), StillPlant(ServoMeasurement(2048, 0, 0), [])
    specs = [replace(spec, firmware=firmware) for spec in specs_of(ROBOT)]
    with emulated(transmit, specs, plant) as emulator, opened(emulator, answer_margin_s=0.2) as arm:
        for tick in range(2000, 2007):
            transmit.fault = hold_back
            with pytest.raises(NoAnswerError):
                arm.read()
            assert held
            plant.measurement = ServoMeasurement(tick, 0, 0)
            transmit.fault = late_ones_first
            assert ROBOT.to_ticks(arm.read().position).tolist() == [tick] * 6
            assert not held


def test_answers_of_a_wire_that_stood_still_for_long_are_not_believed_when_they_come_at_last() -> None:
    """More questions wait in line than there are lengths to tell their answers by."""
    held: list[bytes] = []

    def hold_back(packet: bytes) -> bytes:
        held.append(packet)
        return b""

    def late_ones_first(packet: bytes) -> bytes:
        late, held[:] = b"".join(held), []
        return late + packet

    transmit, plant = SwitchedTransmit(), StillPlant(ServoMeasurement(2048, 0, 0), [])
    with emulated(transmit, plant=plant) as emulator, opened(emulator, answer_margin_s=0.01) as arm:
        transmit.fault = hold_back
        for _ in range(2 * LENGTHS):
            with pytest.raises(NoAnswerError):
                arm.read()
        plant.measurement = ServoMeasurement(2001, 0, 0)
        transmit.fault = late_ones_first
        assert ROBOT.to_ticks(read_at_last(arm).position).tolist() == [2001] * 6


def read_at_last(arm: KochArm) -> JointState:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(NoAnswerError):
            return arm.read()
    raise AssertionError("no answer in the end")

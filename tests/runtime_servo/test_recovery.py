"""An arm that is lost: the goal brakes, the loop looks for it, and it goes on from where it was found."""

from __future__ import annotations

import numpy as np
import pytest

from libra_edge.errors import BusError, HardwareAlertError, NoAnswerError
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.recovery_limit import MOST, WINDOW_NS, RecoveryLimit
from libra_edge.runtime.servo_loop import LOST_READS_ALLOWED
from libra_edge.runtime.supervisor import Event, State
from tests.runtime_servo.fakes import ROBOT, Bench, rows_towards, running_bench

SILENCE = [NoAnswerError([3], 0.01)] * (LOST_READS_ALLOWED + 1)
FALLEN = ROBOT.rest - 0.2
"""rad; where a limp arm is found."""


def lost_bench(steps_to_recover: int = 20) -> Bench:
    """In motion, then silent for too long."""
    bench = running_bench()
    bench.send(rows_towards(0.9))
    bench.tick(15)
    bench.arm.read_faults = list(SILENCE)
    bench.arm.steps_to_recover = steps_to_recover
    bench.tick(LOST_READS_ALLOWED + 1)
    assert bench.state() is State.RECOVERING
    return bench


def test_a_silence_that_is_too_long_brakes_the_goal_and_names_what_is_missing() -> None:
    bench = lost_bench()
    bench.tick(19)
    assert bench.telemetry().recoveries == 1
    assert bench.telemetry().trouble == str(SILENCE[-1])
    told = np.array(bench.arm.told_while_lost)
    np.testing.assert_array_equal(told[-1], told[-2])
    velocity = np.diff(told, axis=0) / 0.01
    assert np.all(np.abs(np.diff(velocity, axis=0)) <= ROBOT.max_acceleration * 0.01 + 1e-6)


def test_an_arm_that_is_found_stands_there_and_follows_the_next_chunk_within_all_limits() -> None:
    bench = lost_bench()
    bench.arm.position = FALLEN.copy()
    bench.tick(21)
    assert bench.state() is State.HOLDING
    bench.tick(5)
    np.testing.assert_array_equal(bench.arm.position, FALLEN)
    bench.send(rows_towards(0.3), chunk_id=2)
    bench.tick(3)
    assert bench.state() is State.RUNNING
    bench.tick(60)
    check = LimitCheck(ROBOT)
    for command in bench.commands():
        check.check(command)
    assert check.violated == 0
    assert bench.telemetry().fault == ""


def test_chunks_that_come_while_the_arm_is_lost_are_not_followed() -> None:
    bench = lost_bench()
    bench.send(rows_towards(0.3), chunk_id=2)
    bench.tick(5)
    assert bench.state() is State.RECOVERING
    assert bench.telemetry().chunk_id is None


def test_an_arm_that_does_not_come_back_in_time_ends_the_loop_with_what_is_missing() -> None:
    bench = lost_bench(steps_to_recover=10_000)
    bench.tick(round(ROBOT.servo.recover_within_s * 100) + 2)
    bench.tick(60)
    assert bench.finished()
    assert isinstance(bench.loop.fault, BusError)
    assert "not back within 5 s: no answer from servo 3 (elbow_flex); check cable and power" in str(bench.loop.fault)
    assert bench.arm.torque


def test_a_hardware_alert_found_while_looking_ends_it() -> None:
    bench = lost_bench()
    bench.arm.recover_fault = HardwareAlertError(3, 0x20, "overload")
    bench.tick(60)
    assert bench.finished()
    assert bench.loop.fault is bench.arm.recover_fault


def test_a_loop_that_stood_still_longer_than_the_watchdog_waits_looks_for_the_arm_before_it_moves_on() -> None:
    bench = running_bench()
    bench.send(rows_towards(0.9))
    bench.tick(5)
    bench.clock.advance(300_000_000)
    bench.arm.steps_to_recover = 2
    bench.tick()
    assert bench.state() is State.RECOVERING
    assert "stood still for 3" in bench.telemetry().trouble
    bench.tick(3)
    assert bench.state() is State.HOLDING


@pytest.mark.parametrize(
    ("event", "afterwards"),
    [(Event.STOP, State.OFF), (Event.HOLD, State.HOLDING), (Event.POLICY_GONE, State.HOLDING)],
)
def test_what_is_asked_for_meanwhile_is_done_once_the_arm_is_back(event: Event, afterwards: State) -> None:
    bench = lost_bench()
    assert bench.happen(event).accepted
    bench.tick(60)
    assert bench.state() is afterwards
    bench.send(rows_towards(0.3), chunk_id=2)
    bench.tick(3)
    assert bench.state() is afterwards, "a chunk was followed though somebody had asked for a hold"


def test_an_arm_lost_while_homing_goes_on_homing() -> None:
    bench = Bench(pose=ROBOT.rest + 0.3)
    bench.arm.read_faults = list(SILENCE)
    bench.arm.steps_to_recover = 5
    bench.tick(LOST_READS_ALLOWED + 7)
    assert bench.state() is State.HOMING
    bench.tick(300)
    assert bench.state() is State.READY


def test_a_pressed_hardware_stop_holds_and_start_is_refused_until_it_is_released() -> None:
    bench = running_bench()
    bench.send(rows_towards(0.9))
    bench.tick(5)
    assert bench.happen(Event.PRESSED).state is State.HOLDING
    assert bench.happen(Event.START).problem == "the hardware stop is pressed"
    bench.happen(Event.RELEASED)
    assert bench.state() is State.HOLDING
    assert bench.happen(Event.START).accepted


def test_too_many_recoveries_within_a_minute_are_one_too_many() -> None:
    limit = RecoveryLimit(within_ns=1)
    assert all(limit.begin(number) for number in range(MOST))
    assert not limit.begin(MOST)
    assert limit.begin(WINDOW_NS + MOST + 1)


def test_the_fourth_loss_within_a_minute_is_a_fault() -> None:
    bench = lost_bench(steps_to_recover=1)
    for _ in range(3):
        bench.tick(5)
        assert bench.state() is State.HOLDING
        bench.arm.steps_to_recover = 1
        bench.arm.read_faults = list(SILENCE)
        bench.tick(LOST_READS_ALLOWED + 1)
    assert bench.state() is State.FAULT
    assert "too often within a minute" in str(bench.loop.fault)

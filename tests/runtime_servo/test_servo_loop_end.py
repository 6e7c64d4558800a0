"""How the servo loop ends, tick by tick: told to, told twice, and by a fault; and what becomes of the torque."""

from __future__ import annotations

import numpy as np
import pytest

from libra_edge.errors import HardwareAlertError
from libra_edge.runtime.servo_glide import TOP_SPEED_RAD_S
from libra_edge.runtime.servo_loop import OnExit
from libra_edge.runtime.supervisor import Event, State
from tests.runtime_servo.fakes import ROBOT, Bench, rows_towards, running_bench

AWAY = ROBOT.rest + np.radians([40.0, -30.0, 20.0, 10.0, -50.0, 10.0])


def test_stop_slows_down_within_the_acceleration_limit_and_leaves_the_arm_under_torque() -> None:
    bench = running_bench()
    bench.send(rows_towards(0.9))
    bench.tick(15)
    assert bench.happen(Event.STOP).state is State.STOPPING
    bench.tick(50)
    assert bench.finished()
    assert bench.telemetry().state is State.OFF
    velocity = np.diff(bench.arm.goals, axis=0) / 0.01
    assert np.all(np.abs(np.diff(velocity, axis=0)) <= ROBOT.max_acceleration * 0.01 + 1e-6)
    bench.loop.close()
    assert bench.arm.torque
    assert bench.arm.closed


def test_on_exit_rest_parks_slowly_and_keeps_torque() -> None:
    bench = Bench(pose=AWAY, on_exit=OnExit.REST)
    bench.happen(Event.STOP)
    bench.tick(500)
    assert bench.finished()
    np.testing.assert_array_equal(bench.arm.position, ROBOT.rest)
    assert np.abs(np.diff([AWAY, *bench.arm.goals], axis=0)).max() / 0.01 <= TOP_SPEED_RAD_S + 1e-9
    bench.loop.close()
    assert bench.arm.torque


def test_on_exit_release_takes_the_torque_off() -> None:
    bench = Bench(on_exit=OnExit.RELEASE)
    bench.happen(Event.STOP)
    bench.tick(3)
    bench.loop.close()
    assert not bench.arm.torque


@pytest.mark.parametrize("on_exit", list(OnExit))
def test_a_second_stop_signal_leaves_at_once_with_torque_on_whatever_on_exit_says(on_exit: OnExit) -> None:
    bench = running_bench(on_exit)
    bench.send(rows_towards(0.9))
    bench.tick(15)
    bench.happen(Event.STOP)
    assert not bench.finished()
    bench.happen(Event.ABORT)
    assert bench.finished()
    bench.loop.close()
    assert bench.arm.torque


def test_a_hardware_alert_stops_the_arm_ends_the_loop_and_keeps_torque() -> None:
    bench = running_bench()
    bench.send(rows_towards(0.9))
    bench.tick(15)
    alert = HardwareAlertError(3, 0x20, "overload")
    bench.arm.read_faults = [alert]
    bench.tick(30)
    assert bench.finished()
    telemetry = bench.telemetry()
    assert telemetry.state is State.FAULT
    assert telemetry.fault == str(alert)
    assert telemetry.recoveries == 0
    assert bench.loop.fault is alert
    np.testing.assert_array_equal(bench.arm.goals[-1], bench.arm.goals[-2])
    bench.loop.close()
    assert bench.arm.torque

"""An arm that is found outside its range: it comes in slowly if it homes, and stands where it is if it does not."""

from __future__ import annotations

import numpy as np
import pytest

from libra_edge.runtime.servo_glide import TOP_SPEED_RAD_S
from libra_edge.runtime.supervisor import Event, State
from tests.runtime_servo.fakes import ROBOT, Bench, rows_towards


def test_a_pose_outside_the_range_is_announced_and_only_left_inwards(caplog: pytest.LogCaptureFixture) -> None:
    outside = ROBOT.rest.copy()
    outside[0] = ROBOT.high[0] + 0.2
    bench = Bench(pose=outside)
    assert "shoulder_pan stands at 137.5 degrees" in caplog.text
    bench.tick(800)
    assert bench.state() is State.READY
    pan = np.array(bench.arm.goals)[:, 0]
    assert np.all(np.diff(pan) <= 0)
    assert np.abs(np.diff(pan)).max() <= TOP_SPEED_RAD_S * 1.01 * bench.loop.period_ns / 1e9


def test_without_homing_the_arm_stands_where_it_was_found_until_start_and_a_chunk() -> None:
    outside = ROBOT.rest.copy()
    outside[0] = ROBOT.high[0] + 0.2
    bench = Bench(pose=outside, first=Event.TORQUE_ON_HERE)
    bench.send(rows_towards(0.1))
    bench.tick(100)
    assert bench.state() is State.HOLDING
    assert bench.happen(Event.START).accepted
    bench.tick(100)
    np.testing.assert_array_equal(bench.arm.goals, np.tile(outside, (201, 1)))
    bench.send(rows_towards(0.1))
    bench.tick(100)
    np.testing.assert_allclose(bench.arm.goals[-1], ROBOT.rest + 0.1)

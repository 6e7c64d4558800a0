"""What a held key asks for: slow, within the range, and over by itself."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from libra_edge.messages import Float64
from libra_edge.robot import open_robot
from libra_edge.runtime.jog_motion import REACH_STEPS, STEP_NS, Jog
from libra_edge.runtime.servo_source import why_not
from libra_edge.runtime.trajectory import Trajectory

ROBOT = open_robot("koch-sim")
SPEED_RAD_S = np.radians(10.0)
REACH_NS = REACH_STEPS * STEP_NS
TICK_NS = 10_000_000


def test_one_press_moves_one_joint_for_a_fifth_of_a_second() -> None:
    chunk = Jog(ROBOT, SPEED_RAD_S).press(1, -1, ROBOT.rest, 5 * STEP_NS)
    assert chunk.start_ns == 5 * STEP_NS
    assert chunk.end_ns == 5 * STEP_NS + 250_000_000
    moved = chunk.positions - ROBOT.rest
    np.testing.assert_allclose(np.degrees(moved[:, 1]), [-0.5, -1.0, -1.5, -2.0, -2.0])
    assert not np.delete(moved, 1, axis=1).any()


def test_a_held_key_goes_on_along_the_line_and_another_joint_leaves_the_first_where_it_has_got_to() -> None:
    jog = Jog(ROBOT, SPEED_RAD_S)
    jog.press(0, 1, ROBOT.rest, 0)
    held = jog.press(0, 1, ROBOT.rest, 2 * STEP_NS)
    np.testing.assert_allclose(held.positions[0, 0] - ROBOT.rest[0], 3 * SPEED_RAD_S * 0.05)
    other = jog.press(3, 1, ROBOT.rest, 3 * STEP_NS)
    np.testing.assert_allclose(other.positions[:, 0] - ROBOT.rest[0], 3 * SPEED_RAD_S * 0.05)


def test_a_press_after_a_pause_and_one_after_a_hold_begin_where_the_arm_stands() -> None:
    jog, elsewhere = Jog(ROBOT, SPEED_RAD_S), ROBOT.rest + 0.3
    jog.press(0, 1, ROBOT.rest, 0)
    np.testing.assert_allclose(jog.press(0, 1, elsewhere, REACH_NS).positions[0, 1:], elsewhere[1:])
    jog.forget()
    np.testing.assert_allclose(jog.press(0, 1, ROBOT.rest, REACH_NS + 1).positions[0, 1:], ROBOT.rest[1:])


def test_the_robot_files_own_limit_comes_first() -> None:
    slow = tuple(joint.model_copy(update={"velocity_deg_s": 2.0}) for joint in ROBOT.joint)
    chunk = Jog(ROBOT.model_copy(update={"joint": slow}), SPEED_RAD_S).press(0, 1, ROBOT.rest, 0)
    np.testing.assert_allclose(np.degrees(chunk.positions[-1, 0] - ROBOT.rest[0]), 0.4)


def test_a_joint_outside_its_range_is_led_in_and_not_further_out() -> None:
    outside = ROBOT.rest.copy()
    outside[0] = ROBOT.high[0] + 0.2
    assert Jog(ROBOT, SPEED_RAD_S).press(0, 1, outside, 0).positions[-1, 0] == outside[0]
    inwards = Jog(ROBOT, SPEED_RAD_S).press(0, -1, outside, 0).positions[:, 0]
    np.testing.assert_allclose(outside[0] - inwards, SPEED_RAD_S * np.array([1, 2, 3, 4, 4]) * 0.05)


presses = st.lists(
    st.tuples(st.integers(0, len(ROBOT.joint) - 1), st.sampled_from([-1, 1]), st.integers(1, 40)),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(presses, st.floats(0.01, 1.0))
def test_whatever_is_typed_no_joint_is_faster_than_asked_or_leaves_its_range(
    typed: list[tuple[int, int, int]], speed_rad_s: float
) -> None:
    goals, now_ns = [ROBOT.high.copy()], 0
    jog, line = Jog(ROBOT, speed_rad_s), Trajectory(len(ROBOT.joint))
    line.start(goals[0], now_ns)
    for joint, direction, ticks in typed:
        chunk = jog.press(joint, direction, goals[-1], now_ns)
        assert why_not(chunk, now_ns) is None
        assert line.accept(chunk, now_ns)
        for _ in range(ticks):
            now_ns += TICK_NS
            goals.append(line.sample(now_ns).goal)
    path: Float64 = np.array(goals)
    assert np.all(np.abs(np.diff(path, axis=0)) <= 2.0 * speed_rad_s * TICK_NS / 1e9 + 1e-9)
    swing = 2.0 * speed_rad_s * STEP_NS / 1e9 * 4.0 / 27.0  # what a cubic needs to stop; the governor keeps the range
    assert np.all((path >= ROBOT.low - swing) & (path <= ROBOT.high + swing))
    rest = [line.sample(now_ns + REACH_NS + ns).goal for ns in (STEP_NS, 2 * STEP_NS)]
    np.testing.assert_array_equal(rest[0], rest[1])

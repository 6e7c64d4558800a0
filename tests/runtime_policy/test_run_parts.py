"""The small parts of a run: its end, what may be looked at, the limits checked again, the fit of model and robot."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.clock import SimulatedClock
from libra_edge.errors import ConfigError
from libra_edge.messages import Float64, Frame, JointState, Observation
from libra_edge.runtime.command import Command
from libra_edge.runtime.control_steps import ControlSteps
from libra_edge.runtime.governor import GovernorLimits, GovernorState, Verdict, govern
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.robot_fit import check_fit, max_frame_ages_ns
from libra_edge.runtime.run_end import RunEnd
from libra_edge.runtime.sight import Sight
from libra_edge.runtime.supervisor import State
from tests.runtime_policy.fakes import POSE, ROBOT, a_spec, an_observation

TICK_S = 1.0 / ROBOT.servo.rate_hz


@given(start=st.integers(-(10**18), 10**18), step_ns=st.integers(1, 10**10), time=st.integers(-(10**18), 10**18))
def test_a_time_lies_in_its_step_and_the_next_step_begins_at_or_after_it(start: int, step_ns: int, time: int) -> None:
    steps = ControlSteps(start, step_ns)
    step = steps.step_at(time)
    assert steps.start_of(step) <= time < steps.start_of(step + 1)
    first = steps.first_from(time)
    assert steps.start_of(first - 1) < time <= steps.start_of(first)


@dataclass
class Judge:
    done: bool = False

    def success(self) -> bool:
        return self.done


def test_a_run_ends_when_its_time_is_up() -> None:
    clock = SimulatedClock(5)
    end = RunEnd(clock, 2.0, None)
    assert end() is None
    clock.advance(1_999_999_999)
    assert end() is None
    clock.advance(1)
    assert end() == "time is up"
    assert end.success is None


@pytest.mark.parametrize("still_done", [True, False])
def test_a_run_ends_a_second_after_the_task_was_first_done(still_done: bool) -> None:
    clock, judge = SimulatedClock(), Judge()
    end = RunEnd(clock, 30.0, judge)
    assert (end(), end.success) == (None, False)
    clock.advance(3_000_000_000)
    judge.done = True
    assert end() is None
    judge.done = still_done
    clock.advance(1_000_000_000)
    assert (end(), end.success, end.success_ns) == ("task done", True, 3_000_000_000)


def test_a_run_ends_when_it_is_told_to() -> None:
    end = RunEnd(SimulatedClock(), 30.0, Judge())
    end.stop("stopped by you")
    assert end() == "stopped by you"


def show_all(sight: Sight, observation: Observation) -> None:
    for frame in observation.frames.values():
        sight.show(frame)


def test_what_is_new_may_be_looked_at_and_what_is_old_may_not() -> None:
    clock = SimulatedClock(10**9)
    joints = JointState(POSE.copy(), np.zeros(6), clock.now_ns())
    sight = Sight({"front": 333_000_000, "wrist": 333_000_000}, lambda: joints, clock)
    assert sight.look() == "camera 'front' has shown nothing yet"
    show_all(sight, an_observation(time_ns=clock.now_ns(), number=3))
    seen = sight.look()
    assert isinstance(seen, Observation)
    assert {name: frame.number for name, frame in seen.frames.items()} == {"front": 3, "wrist": 3}
    clock.advance(200_000_001)
    assert "joint state is 200 ms old" in str(sight.look())
    joints = JointState(POSE.copy(), np.zeros(6), clock.now_ns() + 200_000_000)
    clock.advance(134_000_000)
    assert "shows nothing newer than 334 ms ago" in str(sight.look())


def test_a_camera_may_miss_a_few_frames_of_its_own_rate() -> None:
    assert max_frame_ages_ns(a_spec(), ROBOT) == {"front": 333_333_333, "wrist": 333_333_333}


def test_the_joints_seen_are_those_of_the_instant_of_the_picture() -> None:
    clock = SimulatedClock(10**9)
    sight = Sight({"front": 10**9}, lambda: JointState(POSE + 1.0, np.zeros(6), clock.now_ns()), clock)
    show_all(sight, an_observation(time_ns=clock.now_ns()))
    for tick in range(12):
        sight.remember(JointState(POSE + tick, np.zeros(6), 970_000_000 + tick * 10_000_000))
    clock.advance(80_000_000)
    seen = sight.look()
    assert isinstance(seen, Observation)
    np.testing.assert_array_equal(seen.joints.position, POSE + 3)


def test_a_camera_that_the_policy_does_not_use_is_left_out() -> None:
    clock = SimulatedClock(10**9)
    sight = Sight({"front": 10**9}, lambda: JointState(POSE.copy(), np.zeros(6), clock.now_ns()), clock)
    show_all(sight, an_observation(time_ns=clock.now_ns()))
    seen = sight.look()
    assert isinstance(seen, Observation)
    assert set(seen.frames) == {"front"}
    assert isinstance(seen.frames["front"], Frame)


def a_command(number: int, goal: Float64, time_s: float | None = None) -> Command:
    time_ns = round((number * TICK_S if time_s is None else time_s) * 1e9)
    return Command(number, time_ns, goal.copy(), goal.copy(), 0, 0, 0, Verdict(np.zeros(6, np.uint8)), State.RUNNING, 0)


def violations(goals: list[Float64]) -> int:
    check = LimitCheck(ROBOT)
    for number, goal in enumerate(goals):
        check.check(a_command(number, goal))
    return check.violated


@given(requests=st.lists(st.lists(st.floats(-4, 4), min_size=6, max_size=6), min_size=1, max_size=60))
def test_what_the_governor_lets_through_breaks_no_limit(requests: list[list[float]]) -> None:
    limits, state = GovernorLimits.of(ROBOT), GovernorState.standing(POSE)
    goals = []
    for request in requests:
        decision = govern(limits, state, np.array(request), TICK_S)
        state = decision.state
        goals.append(decision.goal)
    assert violations(goals) == 0


def test_each_broken_limit_is_counted() -> None:
    assert violations([POSE, POSE + ROBOT.max_velocity * TICK_S * 1.6]) == 1
    outside = np.where(np.arange(6) == 2, ROBOT.high + 0.01, POSE)
    assert violations([np.where(np.arange(6) == 2, ROBOT.high, POSE), outside]) == 1
    assert violations([POSE, np.full(6, np.nan)]) == 1


def test_an_arm_found_outside_its_range_may_be_led_back_but_not_further_out() -> None:
    def at(excess: float) -> Float64:
        return np.where(np.arange(6) == 1, ROBOT.low - excess, POSE)

    assert violations([at(0.05), at(0.04), at(0.04), at(0.01)]) == 0
    assert violations([at(0.04), at(0.05)]) == 1


def test_model_and_robot_must_agree_on_joints_and_cameras() -> None:
    spec = a_spec()
    check_fit(spec, ROBOT)
    swapped = spec.action.model_copy(update={"joints": (*spec.action.joints[1:], "shoulder_pan")})
    with pytest.raises(ConfigError, match="moves the joints shoulder_lift"):
        check_fit(spec.model_copy(update={"action": swapped}), ROBOT)
    with pytest.raises(ConfigError, match="looks through a camera 'wrist'; robot 'koch-sim' has none"):
        check_fit(spec, ROBOT.model_copy(update={"camera": ROBOT.camera[:1]}))
    wide = ROBOT.camera[0].model_copy(update={"width": 640})
    with pytest.raises(ConfigError, match="gives 640x180 pixels, model 'fake' takes 320x180"):
        check_fit(spec, ROBOT.model_copy(update={"camera": (wide, ROBOT.camera[1])}))


def test_commands_that_were_lost_on_the_way_are_not_held_against_the_governor() -> None:
    check = LimitCheck(ROBOT)
    check.check(a_command(0, POSE))
    check.check(replace(a_command(9, POSE + ROBOT.max_velocity * TICK_S * 5), time_ns=1))
    assert check.violated == 0


def test_a_run_ends_as_long_after_success_as_it_was_told() -> None:
    class Done:
        def success(self) -> bool:
            return True

    clock = SimulatedClock()
    end = RunEnd(clock, 30.0, Done(), after_success_s=0.2)
    assert end() is None
    clock.advance(199_000_000)
    assert end() is None
    clock.advance(1_000_000)
    assert end() == "task done"

"""The servo loop, tick by tick, over an arm without a wire."""

from __future__ import annotations

import numpy as np
import pytest

from libra_edge.errors import CorruptPacketError, NoAnswerError
from libra_edge.messages import Float64
from libra_edge.runtime.forward_kinematics import ForwardKinematics
from libra_edge.runtime.governor import Fence
from libra_edge.runtime.servo_glide import TOP_SPEED_RAD_S
from libra_edge.runtime.supervisor import Event, State
from tests.runtime_servo.fakes import CHUNK_STEPS, JOINTS, ROBOT, STEP_NS, Bench, rows_towards, running_bench

TICKS_A_STEP = STEP_NS // 10_000_000
HOLD_AFTER_TICKS = round(ROBOT.servo.hold_after_ms / 10)
AWAY = ROBOT.rest + np.radians([40.0, -30.0, 20.0, 10.0, -50.0, 10.0])


def speeds(goals: list[Float64]) -> Float64:
    return np.abs(np.diff(goals, axis=0)) / 0.01


def test_it_homes_slowly_from_the_measured_pose_then_is_ready() -> None:
    bench = Bench(pose=AWAY)
    assert bench.state() is State.HOMING
    bench.tick(400)
    assert bench.state() is State.READY
    np.testing.assert_array_equal(bench.arm.position, ROBOT.rest)
    assert speeds([AWAY, *bench.arm.goals]).max() <= TOP_SPEED_RAD_S + 1e-9
    assert speeds(bench.arm.goals).max() > 0.9 * TOP_SPEED_RAD_S


def test_homing_is_skipped_when_the_arm_is_already_near() -> None:
    bench = Bench(pose=ROBOT.rest + 0.02)
    bench.tick()
    assert bench.state() is State.READY
    np.testing.assert_array_equal(bench.arm.position, ROBOT.rest + 0.02)


def test_homing_can_be_interrupted_and_the_arm_stands() -> None:
    bench = Bench(pose=AWAY)
    bench.tick(50)
    assert bench.happen(Event.HOLD).state is State.HOLDING
    bench.tick(30)
    stood = bench.arm.position.copy()
    bench.tick(100)
    np.testing.assert_array_equal(bench.arm.position, stood)
    assert np.abs(stood - ROBOT.rest).max() > 0.3


def test_a_chunk_is_followed_to_its_last_goal_and_logged_with_what_it_rests_on() -> None:
    bench = running_bench()
    chunk = bench.send(rows_towards(0.3), chunk_id=8)
    bench.tick(CHUNK_STEPS * TICKS_A_STEP)
    np.testing.assert_array_equal(bench.arm.position, chunk.positions[-1])
    commands = [command for command in bench.commands() if command.chunk_id == 8]
    assert len(commands) == CHUNK_STEPS * TICKS_A_STEP
    assert [command.plan_age_steps for command in commands[:: 2 * TICKS_A_STEP]] == [2, 4, 6]
    assert {command.captured_ns for command in commands} == {chunk.captured_ns}
    assert commands[-1].state is State.RUNNING
    np.testing.assert_array_equal(commands[-1].goal, bench.arm.goals[-1])
    telemetry = bench.telemetry()
    assert (telemetry.chunk_id, telemetry.first_command_ns) == (8, commands[0].time_ns)
    assert telemetry.chunks_accepted == 1


def test_chunks_before_start_are_not_followed_not_even_afterwards() -> None:
    bench = Bench()
    bench.send(rows_towards(0.3))
    bench.tick(3)
    bench.happen(Event.START)
    bench.tick(10)
    np.testing.assert_array_equal(bench.arm.position, ROBOT.rest)


def test_when_chunks_stop_it_holds_and_a_fresh_one_sets_it_going_again_from_where_it_stands() -> None:
    bench = running_bench()
    bench.send(rows_towards(0.3))
    bench.tick(CHUNK_STEPS * TICKS_A_STEP + HOLD_AFTER_TICKS)
    assert bench.state() is State.RUNNING
    bench.tick(2)
    assert bench.state() is State.HOLDING
    stood = bench.arm.position.copy()
    bench.tick(50)
    np.testing.assert_array_equal(bench.arm.position, stood)
    bench.send(rows_towards(-0.2), chunk_id=2)
    bench.tick()
    assert bench.state() is State.RUNNING
    assert np.abs(bench.arm.position - stood).max() < 0.03
    bench.tick((CHUNK_STEPS + 1) * TICKS_A_STEP)
    np.testing.assert_array_equal(bench.arm.position, rows_towards(-0.2)[-1])


@pytest.mark.parametrize("event", [Event.HOLD, Event.POLICY_GONE])
def test_held_on_purpose_it_ignores_chunks_until_start(event: Event) -> None:
    bench = running_bench()
    bench.send(rows_towards(0.3))
    bench.tick(20)
    assert bench.happen(event).state is State.HOLDING
    bench.tick(20)
    stood = bench.arm.position.copy()
    bench.send(rows_towards(-0.3), chunk_id=2)
    bench.tick(20)
    assert bench.state() is State.HOLDING
    np.testing.assert_array_equal(bench.arm.position, stood)
    bench.happen(Event.START)
    bench.send(rows_towards(-0.3), chunk_id=3)
    bench.tick(20)
    assert np.abs(bench.arm.position - stood).max() > 0.02


def test_a_task_change_drops_the_chunks_of_the_old_task_at_once() -> None:
    bench = running_bench()
    bench.send(rows_towards(0.5), chunk_id=1)
    bench.tick(20)
    bench.send(rows_towards(0.5), chunk_id=2)
    assert bench.happen(Event.TASK).state is State.RUNNING
    bench.tick(10)
    stood = bench.arm.position.copy()
    bench.tick(10)
    np.testing.assert_array_equal(bench.arm.position, stood)
    bench.send(rows_towards(0.0), chunk_id=3)
    bench.tick(CHUNK_STEPS * TICKS_A_STEP)
    np.testing.assert_array_equal(bench.arm.position, ROBOT.rest)


@pytest.mark.parametrize(
    ("rows", "late_ns"),
    [
        (np.full((CHUNK_STEPS, JOINTS), np.nan), 0),
        (np.where(np.eye(CHUNK_STEPS, JOINTS) > 0, np.inf, 0.1), 0),
        (rows_towards(0.3), CHUNK_STEPS * STEP_NS),
        (rows_towards(0.3), -60 * STEP_NS),
    ],
    ids=["not a number", "infinite", "past its horizon", "too far ahead"],
)
def test_a_chunk_that_cannot_be_followed_is_refused_and_counted(rows: Float64, late_ns: int) -> None:
    bench = running_bench()
    bench.send(rows, late_ns=late_ns)
    bench.tick(HOLD_AFTER_TICKS + 2)
    assert bench.telemetry().chunks_refused == 1
    assert bench.state() is State.HOLDING
    np.testing.assert_array_equal(bench.arm.position, ROBOT.rest)


def test_a_stale_chunk_does_not_end_holding() -> None:
    bench = running_bench()
    bench.tick(HOLD_AFTER_TICKS + 2)
    assert bench.state() is State.HOLDING
    bench.send(rows_towards(0.3), late_ns=CHUNK_STEPS * STEP_NS)
    bench.tick(2)
    assert bench.state() is State.HOLDING


def test_wild_goals_reach_the_arm_only_within_its_limits() -> None:
    bench = running_bench()
    bench.send(np.full((CHUNK_STEPS, JOINTS), 50.0))
    bench.tick(80)
    assert np.all(bench.arm.goals <= ROBOT.high)
    assert np.all(speeds(bench.arm.goals) <= ROBOT.max_velocity + 1e-6)
    telemetry = bench.telemetry()
    assert telemetry.governed > 0
    assert telemetry.fences[Fence.RANGE] > 0
    assert telemetry.fences[Fence.NOT_FINITE] == 0


def test_a_goal_in_the_table_is_stopped_above_it_and_counted() -> None:
    assert ROBOT.workspace is not None
    bench = running_bench()
    into_the_table = ROBOT.rest + np.radians([0.0, -60.0, 0.0, 0.0, 0.0, 0.0])
    bench.send(ROBOT.rest + (into_the_table - ROBOT.rest) * np.arange(1, CHUNK_STEPS + 1)[:, None] / CHUNK_STEPS)
    bench.tick(60)
    balls = ForwardKinematics.of(ROBOT)
    lowest = (balls.centres(bench.arm.position)[:, 2] - balls.radii).min()
    assert ROBOT.workspace.lowest_m <= lowest < ROBOT.workspace.lowest_m + 0.01
    assert bench.telemetry().fences[Fence.WORKSPACE] > 0


@pytest.mark.parametrize("drawn_ma", [300.0, 700.0])
def test_what_the_gripper_draws_is_logged_and_stops_its_goal(drawn_ma: float) -> None:
    bench = running_bench()
    bench.arm.current = np.array([np.nan] * 5 + [drawn_ma])
    bench.commands()
    bench.send(rows_towards(0.2))
    bench.tick(60)
    assert bench.arm.position[5] == pytest.approx(ROBOT.rest[5] + 0.2 * (drawn_ma < 480.0))
    assert (bench.telemetry().fences[Fence.CURRENT] > 0) == (drawn_ma > 480.0)
    np.testing.assert_array_equal(bench.commands()[-1].current, bench.arm.current)


def test_after_a_stall_of_the_process_the_goal_catches_up_instead_of_leaping() -> None:
    bench = running_bench()
    bench.send(rows_towards(1.0))
    bench.tick(3)
    before = bench.arm.position.copy()
    bench.clock.advance(80_000_000)
    bench.tick()
    assert bench.state() is State.RUNNING
    assert np.all(np.abs(bench.arm.position - before) <= 2 * 0.01 * ROBOT.max_velocity + 1e-9)


def test_single_lost_answers_are_borne() -> None:
    bench = running_bench()
    bench.send(rows_towards(0.3))
    for _ in range(5):
        bench.arm.read_faults = [NoAnswerError([1], 0.01), CorruptPacketError("crc", b"\xff")]
        bench.tick(4)
    assert bench.state() is State.RUNNING
    assert bench.telemetry().failed_reads == 10


def test_scribbled_chunk_memory_is_refused_and_the_arm_holds() -> None:
    bench = running_bench()
    rng = np.random.default_rng(3)
    memory = bench.directory / "chunk"
    bench.send(rows_towards(0.3))
    memory.write_bytes(memory.read_bytes()[:16] + rng.bytes(memory.stat().st_size - 16))
    bench.tick(HOLD_AFTER_TICKS + 2)
    np.testing.assert_array_equal(bench.arm.position, ROBOT.rest)
    assert bench.state() is State.HOLDING
    bench.send(rows_towards(0.3), chunk_id=2)
    bench.tick(2)
    assert bench.state() is State.RUNNING


def test_requests_that_are_not_possible_are_answered_with_why() -> None:
    bench = Bench(pose=AWAY)
    reply = bench.happen(Event.START)
    assert not reply.accepted
    assert (reply.state, reply.problem) == (State.HOMING, "'start' is not possible while homing")


def test_a_request_is_done_even_if_nobody_waits_for_the_answer_any_more() -> None:
    bench = running_bench()
    bench.loop.post(Event.HOLD).cancel()
    bench.tick()
    assert bench.state() is State.HOLDING


def test_a_request_too_late_is_answered_too() -> None:
    bench = Bench()
    late = bench.loop.post(Event.START)
    bench.loop.close()
    assert late.result(timeout=0).problem == "the servo loop has ended"


def test_hold_while_it_holds_for_want_of_chunks_says_so_and_ignores_them() -> None:
    bench = running_bench()
    bench.tick(HOLD_AFTER_TICKS + 2)
    assert bench.telemetry().cause is Event.CHUNKS_STOPPED
    assert bench.happen(Event.HOLD).accepted
    bench.send(rows_towards(0.1))
    bench.tick(10)
    assert (bench.telemetry().state, bench.telemetry().cause) == (State.HOLDING, Event.HOLD)

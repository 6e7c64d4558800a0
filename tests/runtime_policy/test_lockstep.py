"""Lock-step episodes: the schedule step by step, and that the same arguments give the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from libra_edge.messages import ActionChunk
from libra_edge.runtime.lockstep import EpisodeResult, LockStepServo, run_episode
from libra_edge.runtime.schedule import Mode
from tests.runtime_policy.fakes import POSE, ROBOT, FakePlanner, FakeRefiner, FakeWorld, a_spec

STEPS = 23


def play(world: FakeWorld | None = None, **options: Any) -> tuple[EpisodeResult, FakeWorld, FakeRefiner]:
    spec = options.pop("spec", a_spec())
    options = {"seed": 3, "max_steps": STEPS, "instruction": np.ones((1, 8), np.int64), **options}
    world, refiner = world or FakeWorld(), FakeRefiner(spec)
    result = run_episode(world, FakePlanner(spec), refiner, spec, ROBOT, **options)
    return result, world, refiner


def goals_of(**options: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(play(**options)[1].goals)


def test_the_same_arguments_give_the_same_bits() -> None:
    np.testing.assert_array_equal(goals_of(plan_delay_steps=2), goals_of(plan_delay_steps=2))
    assert not np.array_equal(goals_of(seed=3), goals_of(seed=4))


def test_async_without_delay_is_sync_bit_for_bit() -> None:
    np.testing.assert_array_equal(goals_of(mode=Mode.ASYNC), goals_of(mode=Mode.SYNC))


@pytest.mark.parametrize("delay", range(6))
def test_a_plan_is_used_d_steps_later_and_the_arm_waits_only_for_the_first(delay: int) -> None:
    result, _, refiner = play(plan_delay_steps=delay)
    assert result.held_steps == delay
    assert set(refiner.ages) == {delay}
    assert [chunk.first_step for chunk in result.chunks] == list(range(delay, STEPS, 5))
    plan = result.plans[0]
    np.testing.assert_array_equal(refiner.tokens[0], plan.tokens[delay : delay + 5])


def test_a_planner_slower_than_its_horizon_makes_the_arm_hold_for_good() -> None:
    result, world, _ = play(plan_delay_steps=6)
    assert not result.chunks
    assert result.held_steps == STEPS
    assert np.ptp(np.array(world.goals), axis=0).max() == 0.0


def test_a_plan_older_than_the_training_is_not_used() -> None:
    result, _, refiner = play(
        spec=a_spec(plan_chunks=4, max_plan_delay_steps=2), plan_delay_steps=2, plan_every_steps=9
    )
    assert max(refiner.ages) <= 2
    assert result.held_steps > 2


def test_an_old_plan_is_used_until_the_next_one_comes() -> None:
    _, _, refiner = play(spec=a_spec(plan_chunks=4, max_plan_delay_steps=15), plan_every_steps=10)
    assert refiner.ages == [0, 5, 0, 5, 0]


def test_serial_plans_once_for_m_chunks_and_waits_for_each_plan() -> None:
    result, _, refiner = play(mode=Mode.SERIAL, plan_delay_steps=0)
    assert refiner.ages == [0, 5, 0, 5, 0]
    assert len(result.plans) == 3
    delayed, _, refiner = play(
        mode=Mode.SERIAL, plan_delay_steps=2, spec=a_spec(plan_chunks=3, max_plan_delay_steps=10)
    )
    assert [chunk.first_step for chunk in delayed.chunks] == [2, 7, 12, 19]
    assert refiner.ages == [0, 5, 10, 0]
    assert delayed.held_steps == 4


def test_sync_plans_for_every_chunk_and_waits_for_each_plan() -> None:
    result, _, refiner = play(mode=Mode.SYNC, plan_delay_steps=2)
    assert [chunk.first_step for chunk in result.chunks] == [2, 9, 16]
    assert set(refiner.ages) == {0}


def test_pictures_of_an_age_are_those_of_an_earlier_tick() -> None:
    ages: dict[str, Any] = {"plan_picture_age_ns": 30_000_000, "chunk_picture_age_ns": 60_000_000}
    result, world, _ = play(plan_delay_steps=1, plan_every_steps=1, **ages)
    start_ns = world.observed_ns[0]
    step_ns = 100_000_000
    starts = [start_ns + chunk.first_step * step_ns for chunk in result.chunks]
    assert [start - chunk.captured_ns for start, chunk in zip(starts, result.chunks, strict=True)] == [
        60_000_000
    ] * len(starts)
    assert all(chunk.start_ns == chunk.captured_ns for chunk in result.chunks)
    begun = [(plan.captured_ns - start_ns) % step_ns for plan in result.plans[1:]]
    assert set(begun) == {step_ns - 30_000_000}
    # Begun in step k-1 from a picture of step k-2, used in step k.
    assert [chunk.plan_age_steps for chunk in result.chunks] == [1, 2, 2, 2, 2]


def test_pictures_without_age_change_no_bit() -> None:
    plain, aged = goals_of(plan_delay_steps=1), goals_of(plan_delay_steps=1, chunk_picture_age_ns=10_000_000)
    np.testing.assert_array_equal(plain, goals_of(plan_delay_steps=1, plan_picture_age_ns=0, chunk_picture_age_ns=0))
    assert not np.array_equal(plain, aged)


@pytest.mark.parametrize("age_ns", [-1, 100_000_001])
def test_an_age_beyond_one_control_step_is_refused(age_ns: int) -> None:
    with pytest.raises(ValueError, match="one control step at most"):
        play(chunk_picture_age_ns=age_ns)


def test_it_stops_at_success() -> None:
    result, world, _ = play(FakeWorld(success_at_ns=1_000_000_000 + 700_000_000))
    assert result.success
    assert result.control_steps == 7
    assert len(world.goals) == 70


def test_pictures_are_taken_once_a_step_at_most() -> None:
    _, world, _ = play(plan_delay_steps=1, plan_every_steps=1)
    assert len(world.observed_ns) == len(set(world.observed_ns))


def test_the_goals_reach_the_chunks_rows_at_the_end_of_their_steps() -> None:
    world, step_ns = FakeWorld(), 100_000_000
    start_ns = world.clock.now_ns()
    rows = POSE + 0.02 * np.arange(1, 6)[:, np.newaxis]
    servo = LockStepServo(world, ROBOT, POSE)
    servo.follow(ActionChunk(0, rows, 0, start_ns, step_ns, 0, 0, start_ns))
    servo.run_until(start_ns + 5 * step_ns + 1)
    ticks_a_step = round(ROBOT.servo.rate_hz * step_ns / 1e9)
    np.testing.assert_allclose(world.goals[ticks_a_step::ticks_a_step], rows, atol=1e-12)

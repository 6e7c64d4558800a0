"""The streams in trouble, under a virtual clock: systems that hang or crawl, and pauses of the whole process."""

from __future__ import annotations

import pytest

from libra_edge.errors import ModelHangsError
from libra_edge.runtime.schedule import Mode
from tests.runtime_policy.fakes import a_spec
from tests.runtime_policy.played_streams import play


@pytest.mark.parametrize("mode", list(Mode))
def test_a_planner_that_never_returns_ends_the_run_after_ten_seconds(mode: Mode) -> None:
    with pytest.raises(ModelHangsError, match="planner: it hangs, no answer for 10 s"):
        play(planner=[0.03, 0.03, 0.03, 0.03, None], refiner=[0.02], seconds=20.0, mode=mode)


def test_a_refiner_that_never_returns_is_told_of_and_ends_the_run(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ModelHangsError, match="refiner: it hangs, no answer for 10 s"):
        play(planner=[0.03], refiner=[*([0.02] * 6), None], seconds=20.0)
    assert "the refiner has given no answer for 0.5 s: hold" in caplog.text


def test_warm_up_calls_do_not_spoil_the_estimate_of_how_long_a_chunk_takes() -> None:
    """Three seconds each for the first two calls, as while an engine allocates: no chunk is begun early for that."""
    played = play(planner=[2.0, 2.0, 2.0, 0.03], refiner=[3.0, 3.0, 0.02])
    assert played.first_steps == list(range(1, 49, 5))
    assert all(0 < lead < 20 for lead in played.lead_ms)
    assert set(played.refiner.ages[3:]) <= {1, 2}
    assert not played.run.log.faults


def test_a_plan_as_old_as_may_be_is_told_of_once_before_the_arm_has_to_hold() -> None:
    played = play(planner=[0.03], refiner=[0.02], every=6, spec=a_spec(plan_chunks=3, max_plan_delay_steps=6))
    kinds = [fault.kind for fault in played.run.log.faults]
    assert sum("is the most" in kind for kind in kinds) == 1
    assert "plan 6 steps old, 6 is the most" in next(kind for kind in kinds if "is the most" in kind)
    serial = play(planner=[0.02], refiner=[0.02], mode=Mode.SERIAL)
    assert not any("is the most" in fault.kind for fault in serial.run.log.faults)


@pytest.mark.parametrize("begin_ms", range(1000, 1500, 20))
def test_after_a_pause_neither_picture_nor_plan_from_before_it_is_acted_on(begin_ms: int) -> None:
    """Wherever it falls: between two calls, or within one of them, whose result is thrown away."""
    played = play(
        planner=[0.08],
        refiner=[0.15],
        spec=a_spec(plan_chunks=4, max_plan_delay_steps=15),
        max_frame_age_ns=2_000_000_000,
        pause=(begin_ms / 1e3, 0.7),
    )
    begin = played.run.policy.steps.start_of
    woken_ns = played.run.policy.steps.start_ns + begin_ms * 1_000_000 + 700_000_000
    after = [chunk for chunk, at in zip(played.servo.chunks, played.servo.arrived_ns, strict=True) if at >= woken_ns]
    assert len(after) > 3
    assert all(chunk.captured_ns >= woken_ns for chunk in after)
    assert all(begin(chunk.first_step - chunk.plan_age_steps + 1) > woken_ns for chunk in after)
    assert sum("stood still for" in fault.kind for fault in played.run.log.faults) == 1


@pytest.mark.parametrize("slow_calls", [1, 2, 3, 8])
def test_after_some_very_slow_calls_the_arm_moves_again(slow_calls: int) -> None:
    played = play(planner=[0.03], refiner=[*([0.02] * 6), *([1.2] * slow_calls), 0.02], seconds=8.0 + 3 * slow_calls)
    assert played.run.log.holding is None
    assert all(0 < lead < 20 for lead in played.lead_ms[-3:])


def test_plans_older_than_was_asked_for_are_announced_and_held_on() -> None:
    spec = a_spec(plan_chunks=4, max_plan_delay_steps=15)
    free = play(planner=[0.35], refiner=[0.02], spec=spec)
    assert free.run.log.holding is None
    assert max(free.run.log.plan_ages) > 5
    played = play(planner=[0.35], refiner=[0.02], spec=spec, max_plan_age=5)
    assert played.run.log.chunks > 1
    assert max(played.run.log.plan_ages) == 5
    holds = [fault.kind for fault in played.run.log.faults if fault.reaction == "hold"]
    assert holds
    assert all(kind.endswith("steps old; 5 were asked for as the most") for kind in holds)
    assert any("chunks wait for plans" in fault.reaction for fault in played.run.log.faults)
    never = play(planner=[0.35], refiner=[0.02], spec=spec, max_plan_age=1)
    assert never.servo.chunks == []
    assert never.run.log.holding is not None


def test_in_serial_mode_a_tighter_bound_means_more_plans() -> None:
    spec = a_spec(plan_chunks=3, max_plan_delay_steps=10)
    free = play(planner=[0.02], refiner=[0.02], mode=Mode.SERIAL, spec=spec)
    tight = play(planner=[0.02], refiner=[0.02], mode=Mode.SERIAL, spec=spec, max_plan_age=3)
    assert max(free.run.log.plan_ages) > 3 >= max(tight.run.log.plan_ages)
    assert tight.run.log.plans > free.run.log.plans

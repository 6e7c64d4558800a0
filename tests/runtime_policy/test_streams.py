"""Planner stream and refiner stream under a virtual clock: who waits for whom, and what happens when one is late."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from libra_edge.errors import EngineError
from libra_edge.messages import Float64, Int64
from libra_edge.runtime.schedule import Mode
from tests.runtime_policy.fakes import FakePlanner, FakeRefiner, a_spec
from tests.runtime_policy.played_streams import play

STEP_NS = 100_000_000


def test_every_chunk_is_there_when_its_control_step_begins_and_not_long_before() -> None:
    played = play(planner=[0.03], refiner=[0.02])
    assert played.first_steps == list(range(1, 49, 5))
    assert all(0 < lead < 20 for lead in played.lead_ms)
    assert set(played.refiner.ages[3:]) <= {1, 2}
    assert not played.run.log.faults


def test_the_first_chunk_is_in_time_too() -> None:
    assert play(planner=[0.08], refiner=[0.03]).lead_ms[0] > 0


def test_a_slow_planner_never_delays_the_refiner() -> None:
    played = play(planner=[0.15], refiner=[0.02])
    assert np.diff(played.first_steps).tolist() == [5] * (len(played.first_steps) - 1)
    assert all(0 < lead < 20 for lead in played.lead_ms)
    assert max(played.refiner.ages) <= 5


def test_a_chunk_counts_from_what_was_observed_but_never_more_than_a_step_back() -> None:
    played = play(planner=[0.03], refiner=[0.02])
    for chunk in played.servo.chunks:
        begin_ns = played.run.policy.steps.start_of(chunk.first_step)
        assert chunk.start_ns == max(chunk.captured_ns, begin_ns - STEP_NS)
        assert begin_ns - STEP_NS <= chunk.start_ns < begin_ns


def test_plans_are_indexed_by_the_step_in_which_their_pictures_were_taken() -> None:
    played = play(planner=[0.2], refiner=[0.02])
    for chunk in played.servo.chunks:
        assert 2 <= chunk.plan_age_steps <= 5
        assert chunk.captured_ns <= chunk.start_ns
        assert chunk.start_ns - chunk.captured_ns < 2 * STEP_NS


def test_a_planner_slower_than_its_horizon_makes_the_arm_hold_and_that_is_said_once() -> None:
    played = play(planner=[0.03, 0.03, 0.03, 0.9], refiner=[0.02])
    assert not played.servo.chunks
    kinds = [fault.kind for fault in played.run.log.faults]
    assert sum("a plan takes" in kind for kind in kinds) == 1
    assert sum("steps old" in kind for kind in kinds) == 1


def test_a_planner_that_hangs_costs_its_plan_and_no_token_past_the_horizon_is_used() -> None:
    played = play(planner=[*([0.03] * 12), None], refiner=[0.02])
    assert played.first_steps == [1, 6, 11]
    assert max(played.refiner.ages) <= 5
    reactions = [fault.reaction for fault in played.run.log.faults]
    assert reactions == ["hold", "hold once the last plan is used up"]


def test_old_pictures_make_the_arm_hold_until_there_are_new_ones() -> None:
    played = play(planner=[0.03], refiner=[0.02], seen=lambda time: not 1.0 < time < 3.0)
    held = [fault for fault in played.run.log.faults if fault.reaction == "hold"]
    assert len(held) == 1
    assert "shows nothing newer" in held[0].kind
    steps = played.first_steps
    assert not any(16 <= step <= 30 for step in steps)
    assert steps[-1] > 40
    assert played.run.log.holding is None


def test_the_refiner_starts_earlier_once_it_has_become_slower() -> None:
    played = play(planner=[0.03], refiner=[*([0.02] * 6), 0.15], seconds=8.0)
    assert played.lead_ms[3] < 0 < played.lead_ms[2]
    assert all(0 < lead < 20 for lead in played.lead_ms[5:])
    assert played.run.log.late_chunks >= 1


def test_a_refiner_slower_than_its_chunk_skips_steps_instead_of_falling_behind() -> None:
    played = play(
        planner=[0.03],
        refiner=[0.02, 0.02, 0.02, 0.7],
        seconds=8.0,
        spec=a_spec(plan_chunks=4, max_plan_delay_steps=15),
    )
    assert all(-50 <= lead < 20 for lead in played.lead_ms[2:])
    assert min(np.diff(played.first_steps)) > 5


class BrokenRefiner(FakeRefiner):
    """Fails at the calls listed, counted after the warm-up."""

    failing: tuple[int, ...] = ()

    def refine(self, *arguments: Any) -> Float64:
        positions = super().refine(*arguments)
        if len(self.ages) - 4 in self.failing:
            raise EngineError("refiner", "its chunk is not finite; the chunk is thrown away")
        return positions


def test_a_chunk_that_fails_is_dropped_and_made_again_a_step_later() -> None:
    spec = a_spec()
    refiner = BrokenRefiner(spec)
    refiner.failing = (2,)
    played = play(planner=[0.03], refiner=[0.02], systems=(FakePlanner(spec), refiner))
    assert played.first_steps[:4] == [1, 6, 12, 17]
    assert [fault.reaction for fault in played.run.log.faults] == ["chunk dropped, hold"]


def test_a_refiner_that_keeps_failing_ends_the_run() -> None:
    spec = a_spec()
    refiner = BrokenRefiner(spec)
    refiner.failing = (2, 3, 4)
    with pytest.raises(EngineError, match="not finite"):
        play(planner=[0.03], refiner=[0.02], systems=(FakePlanner(spec), refiner))


def test_a_planner_that_keeps_failing_ends_the_run() -> None:
    class BrokenPlanner(FakePlanner):
        def plan(self, *arguments: Any) -> Int64:
            tokens = super().plan(*arguments)
            if self.calls > 5:
                raise EngineError("planner", "its logits are not finite; the plan is thrown away")
            return tokens

    spec = a_spec()
    with pytest.raises(EngineError, match="not finite"):
        play(planner=[0.03], refiner=[0.02], systems=(BrokenPlanner(spec), FakeRefiner(spec)))


def test_sync_plans_for_each_chunk_and_the_arm_waits_meanwhile() -> None:
    played = play(planner=[0.22], refiner=[0.02], mode=Mode.SYNC)
    assert set(np.diff(played.first_steps)) == {8}
    assert all(lead > 0 for lead in played.lead_ms)
    assert played.run.log.plans - len(played.servo.chunks) in (0, 1)


@pytest.mark.parametrize("m", [2, 3, 5])
@pytest.mark.parametrize("planner_s", [0.02, 0.17])
def test_serial_plans_once_for_m_chunks_however_long_that_takes(m: int, planner_s: float) -> None:
    spec = a_spec(plan_chunks=m, max_plan_delay_steps=5 * (m - 1))
    played = play(planner=[planner_s], refiner=[0.02], mode=Mode.SERIAL, spec=spec, seconds=10.0)
    uses = list(Counter(chunk.plan_id for chunk in played.servo.chunks).values())
    assert set(uses[:-1]) == {m}
    assert [chunk.plan_age_steps for chunk in played.servo.chunks[: 2 * m]] == [5 * chunk for chunk in range(m)] * 2


def test_a_plan_that_failed_does_not_make_the_last_one_young_again() -> None:
    class SecondFails(FakePlanner):
        def plan(self, *arguments: Any) -> Int64:
            if self.calls == 4:  # three of them to warm up
                self.calls += 1
                raise EngineError("planner", "out of memory")
            return super().plan(*arguments)

    spec = a_spec()
    systems = SecondFails(spec), FakeRefiner(spec)
    played = play(planner=[0.02], refiner=[0.02], mode=Mode.SERIAL, spec=spec, systems=systems)
    assert len(played.run.log.faults) >= 1
    assert max(Counter(chunk.plan_id for chunk in played.servo.chunks).values()) == 2
    assert [chunk.plan_age_steps for chunk in played.servo.chunks[:4]] == [0, 5, 0, 5]

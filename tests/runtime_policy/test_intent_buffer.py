"""The intent buffer against a brute-force model of its rules."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.messages import Int64, Plan
from libra_edge.runtime.intent_buffer import IntentBuffer

DIMENSIONS = 2


def a_plan(first_step: int, task_id: int = 0, plan_steps: int = 10, plan_id: int = 0) -> Plan:
    """A plan whose every token row says which absolute step it speaks of."""
    rows = np.arange(first_step, first_step + plan_steps, dtype=np.int64)
    return Plan(plan_id, np.repeat(rows[:, np.newaxis], DIMENSIONS, axis=1), first_step, task_id, 0, 0)


@dataclass
class BruteForce:
    """The rules, spelled out over a list of everything that was ever offered."""

    chunk_steps: int
    plan_steps: int
    max_delay: int
    task_id: int = 0
    offered: list[Plan] = field(default_factory=list)

    def tokens_for(self, step: int) -> Int64 | None:
        mine = [plan for plan in self.offered if plan.task_id == self.task_id]
        if not mine:
            return None
        newest = max(plan.first_step for plan in mine)
        wanted = range(step, step + self.chunk_steps)
        if not newest <= step <= newest + self.max_delay:
            return None
        plan = [plan for plan in mine if plan.first_step == newest][-1]
        by_step = {newest + row: tokens for row, tokens in enumerate(plan.tokens)}
        if any(k not in by_step for k in wanted):
            return None
        return np.array([by_step[k] for k in wanted])


events = st.one_of(
    st.tuples(st.just("offer"), st.integers(0, 40), st.integers(-1, 0)),
    st.tuples(st.just("ask"), st.integers(0, 60), st.just(0)),
    st.tuples(st.just("change"), st.just(0), st.just(0)),
)


@given(
    chunk_steps=st.integers(1, 6),
    extra_steps=st.integers(0, 12),
    max_delay=st.integers(0, 15),
    script=st.lists(events, max_size=40),
)
def test_it_agrees_with_the_rules_spelled_out(
    chunk_steps: int, extra_steps: int, max_delay: int, script: list[tuple[str, int, int]]
) -> None:
    plan_steps = chunk_steps + extra_steps
    buffer = IntentBuffer(chunk_steps, plan_steps, max_delay)
    model = BruteForce(chunk_steps, plan_steps, max_delay)
    for number, (event, step, older_task) in enumerate(script):
        if event == "offer":
            plan = a_plan(step, model.task_id + older_task, plan_steps, number)
            buffer.offer(plan)
            model.offered.append(plan)
        elif event == "change":
            model.task_id += 1
            assert buffer.change_task() == model.task_id
        else:
            expected, found = model.tokens_for(step), buffer.tokens_for(step)
            assert (found is None) == (expected is None)
            assert (buffer.refusal(step) is None) == (found is not None)
            if found is not None and expected is not None:
                np.testing.assert_array_equal(found[1], expected)


@given(first_step=st.integers(0, 1000), delay=st.integers(0, 5))
def test_a_plan_that_comes_d_steps_late_loses_its_first_d_tokens(first_step: int, delay: int) -> None:
    buffer = IntentBuffer(5, 10, 5)
    assert buffer.offer(a_plan(first_step))
    found = buffer.tokens_for(first_step + delay)
    assert found is not None
    np.testing.assert_array_equal(found[1][:, 0], np.arange(first_step + delay, first_step + delay + 5))


def test_the_newest_plan_wins_even_if_an_older_one_arrives_after_it() -> None:
    buffer = IntentBuffer(5, 10, 5)
    assert buffer.offer(a_plan(8, plan_id=2))
    assert not buffer.offer(a_plan(5, plan_id=1))
    found = buffer.tokens_for(10)
    assert found is not None
    assert found[0].plan_id == 2


def test_nothing_is_drawn_past_the_horizon() -> None:
    buffer = IntentBuffer(5, 10, 100)
    buffer.offer(a_plan(0))
    assert buffer.tokens_for(5) is not None
    assert buffer.tokens_for(6) is None
    assert "ends before" in str(buffer.refusal(6))


def test_a_tightened_buffer_refuses_plans_that_the_model_would_bear() -> None:
    buffer = IntentBuffer(5, 20, 8)
    buffer.offer(a_plan(0, plan_steps=20))
    assert buffer.tighten(3)
    assert buffer.max_age_steps == 3
    assert buffer.tokens_for(3) is not None
    assert buffer.tokens_for(4) is None
    assert buffer.refusal(4) == "the plan is 4 steps old; 3 were asked for as the most"
    assert "trained for at most 8" in str(buffer.refusal(9))


def test_tightening_never_widens() -> None:
    buffer = IntentBuffer(5, 20, 8)
    buffer.offer(a_plan(0, plan_steps=20))
    assert not buffer.tighten(9)
    assert buffer.max_age_steps == 8
    assert buffer.tokens_for(9) is None
    with pytest.raises(ValueError, match="-1 steps"):
        buffer.tighten(-1)


def test_a_plan_older_than_the_model_was_trained_for_is_refused() -> None:
    buffer = IntentBuffer(5, 20, 3)
    buffer.offer(a_plan(0, plan_steps=20))
    assert buffer.tokens_for(3) is not None
    assert buffer.tokens_for(4) is None
    assert "trained for at most 3" in str(buffer.refusal(4))


def test_a_task_change_flushes_and_late_plans_of_the_old_task_stay_out() -> None:
    buffer = IntentBuffer(5, 10, 5)
    buffer.offer(a_plan(0))
    assert buffer.change_task() == 1
    assert buffer.tokens_for(0) is None
    assert not buffer.offer(a_plan(1, task_id=0))
    assert buffer.tokens_for(1) is None


def test_a_flush_throws_the_plan_away_and_keeps_the_task() -> None:
    buffer = IntentBuffer(5, 10, 5)
    buffer.offer(a_plan(0))
    buffer.flush()
    assert buffer.plan is None
    assert buffer.task_id == 0
    assert buffer.offer(a_plan(1))


def test_a_plan_of_the_wrong_length_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="9 steps"):
        IntentBuffer(5, 10, 5).offer(a_plan(0, plan_steps=9))

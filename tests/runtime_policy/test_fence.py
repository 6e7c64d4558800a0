"""The first fence: what leaves planner and refiner is of the right shape, finite and in range, or does not leave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.clock import SimulatedClock
from libra_edge.errors import EngineError
from libra_edge.messages import Float64, Int64
from libra_edge.runtime.fence import Fence
from libra_edge.runtime.policy import Policy
from tests.runtime_policy.fakes import ROBOT, FakePlanner, FakeRefiner, a_spec, an_observation

SPEC = a_spec()
FENCE = Fence(SPEC)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(token=st.integers(-(2**63), 2**63 - 1), row=st.integers(0, 9), joint=st.integers(0, 5))
def test_a_plan_passes_only_if_each_token_names_a_bin(token: int, row: int, joint: int) -> None:
    tokens = np.full((10, 6), 3, np.int64)
    tokens[row, joint] = token
    if 0 <= token < 10:
        assert FENCE.tokens(tokens) is tokens
    else:
        with pytest.raises(EngineError, match="planner: its tokens reach from"):
            FENCE.tokens(tokens)


@given(value=NUMBERS, row=st.integers(0, 4), joint=st.integers(0, 5))
def test_a_chunk_passes_only_if_it_is_finite_and_in_range(value: float, row: int, joint: int) -> None:
    positions = np.tile((ROBOT.low + ROBOT.high) / 2, (5, 1))
    positions[row, joint] = value
    if ROBOT.low[joint] <= value <= ROBOT.high[joint]:
        assert FENCE.positions(positions) is positions
    elif not ROBOT.low[joint] - 1e-5 < value < ROBOT.high[joint] + 1e-5:
        with pytest.raises(EngineError, match="refiner: its chunk"):
            FENCE.positions(positions)


@pytest.mark.parametrize("tokens", [np.zeros((9, 6), np.int64), np.zeros((10, 6), np.int32), np.zeros((10, 6))])
def test_a_plan_of_another_form_is_refused(tokens: Any) -> None:
    with pytest.raises(EngineError, match=r"a plan is int64 \[10, 6\]"):
        FENCE.tokens(tokens)


@pytest.mark.parametrize("positions", [np.zeros((5, 5)), np.zeros((5, 6), np.float32)])
def test_a_chunk_of_another_form_is_refused(positions: Any) -> None:
    with pytest.raises(EngineError, match=r"a chunk is float64 \[5, 6\]"):
        FENCE.positions(positions)


class WildPlanner(FakePlanner):
    def plan(self, *arguments: Any) -> Int64:
        return super().plan(*arguments) + 10


class WildRefiner(FakeRefiner):
    def refine(self, *arguments: Any) -> Float64:
        return super().refine(*arguments) + 10.0


def test_no_plan_and_no_chunk_leaves_the_policy_but_through_the_fence() -> None:
    words, clock = np.ones((1, 8), np.int64), SimulatedClock()
    wild = Policy(WildPlanner(SPEC), WildRefiner(SPEC), SPEC, words, clock=clock, seed=0)
    with pytest.raises(EngineError, match="tokens reach from"):
        wild.make_plan(an_observation(), 0, 0)
    plan = Policy(FakePlanner(SPEC), FakeRefiner(SPEC), SPEC, words, clock=clock, seed=0).make_plan(
        an_observation(), 0, 0
    )
    with pytest.raises(EngineError, match="leaves the action range"):
        wild.make_chunk(an_observation(), plan, plan.tokens[:5], 0)

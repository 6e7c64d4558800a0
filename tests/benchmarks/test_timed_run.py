"""The real streams on timed engines give the schedules that arithmetic predicts."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.timed.timed_run import Outcome, Setting, play
from libra_edge.runtime.schedule import Mode


def played(mode: Mode, refinements: int = 2, contention: float = 0.0, every: int = 1) -> Outcome:
    return play(Setting(mode, refinements, contention, every, seconds=30.0))


@pytest.mark.parametrize("refinements", [2, 3, 4, 5])
def test_serial_shares_a_plan_out_among_m_refinements(refinements: int) -> None:
    outcome = played(Mode.SERIAL, refinements)
    assert outcome.amortised_ms == pytest.approx(92 + 60 / refinements, rel=0.03)
    assert {round(both, 3) for both, _ in outcome.new_plan_ms} == {152.0}
    assert not outcome.faults


def test_sync_plans_for_every_chunk() -> None:
    assert played(Mode.SYNC).amortised_ms == pytest.approx(152, rel=0.02)


@pytest.mark.parametrize("contention", [0.0, 1.0])
def test_a_refinement_beside_an_unending_planner_takes_as_long_as_the_contention_says(contention: float) -> None:
    longest = max(played(Mode.ASYNC, contention=contention).milliseconds("refiner"))
    assert longest == pytest.approx(92 * (1 + contention), abs=0.01)


def test_a_plan_made_between_two_chunks_costs_the_refinement_nothing() -> None:
    outcome = played(Mode.ASYNC, contention=1.0, every=5)
    assert np.allclose(outcome.milliseconds("refiner"), 92.0)
    assert len(outcome.plan_ages) == pytest.approx(60, abs=1)

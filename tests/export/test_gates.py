"""Gates: where they close, what an acceptance records, and what a gate that was not run says."""

from __future__ import annotations

import numpy as np
import pytest

from libra_edge.bundle import GateEntry
from libra_edge.errors import ConfigError
from libra_edge.export.agreement import PlannerAgreement, RefinerAgreement
from libra_edge.export.gates import GATES, check_names, judge

NONE = np.zeros((1, 1, 1), np.int64)


def judged(
    exact: float = 1.0, within: float = 1.0, cosine: float = 1.0, largest: float = 0.0, accepted: tuple[str, ...] = ()
) -> dict[str, GateEntry]:
    planner = PlannerAgreement(exact, within, cosine, NONE[0, 0], NONE, NONE)
    refiner = RefinerAgreement(np.array([0.0, largest]), np.array([0.0, largest / 10]))
    return {gate.name: gate for gate in judge("cpu", planner, refiner, accepted)}


@pytest.mark.parametrize(("exact", "verdict"), [(0.97, "passed"), (0.9699, "failed")])
def test_a_gate_closes_at_its_threshold(exact: float, verdict: str) -> None:
    assert judged(exact=exact)["planner_tokens_exact"].verdict == verdict


@pytest.mark.parametrize(("largest", "verdict"), [(0.5, "passed"), (0.51, "failed")])
def test_lower_is_better_for_actions(largest: float, verdict: str) -> None:
    assert judged(largest=largest)["refiner_action_largest_deg"].verdict == verdict


def test_the_worst_joint_counts() -> None:
    assert judged(largest=0.4)["refiner_action_largest_deg"].value == 0.4


def test_all_gates_are_there_and_the_closed_loop_was_not_run() -> None:
    gates = judged()
    assert list(gates) == list(GATES)
    assert gates["closed_loop_drop_points"].verdict == "not run"
    assert gates["closed_loop_drop_points"].value is None


def test_an_acceptance_is_recorded_only_where_it_was_needed() -> None:
    gates = judged(exact=0.5, accepted=("planner_tokens_exact", "planner_logit_cosine"))
    assert gates["planner_tokens_exact"].accepted
    assert gates["planner_tokens_exact"].verdict == "failed"
    assert not gates["planner_logit_cosine"].accepted


def test_an_unknown_gate_cannot_be_accepted() -> None:
    with pytest.raises(ConfigError, match="--accept speed: there is no such gate; gates are planner_tokens_exact"):
        check_names(["speed"])

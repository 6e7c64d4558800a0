"""Gates: where they close, what an acceptance records, and what a gate that was not run says."""

from __future__ import annotations

import numpy as np
import pytest

from libra_edge.bundle import GateEntry
from libra_edge.errors import ConfigError
from libra_edge.export.agreement import ActionDifference, Agreement, PlannerAgreement
from libra_edge.export.gates import GATES, check_names, judge, planner_figures

NONE = np.zeros((1, 1, 1), np.int64)
PERFECT = {name: 1.0 if gate.better == "higher" else 0.0 for name, gate in GATES.items()}


def agreement(figures: dict[str, float]) -> Agreement:
    """One with these figures; of joints, the second is the worse."""
    exact, within, cosine = (
        figures[f"planner_{name}"] for name in ("tokens_exact", "tokens_within_one_bin", "logit_cosine")
    )
    largest, mean, of_policy = (
        np.array([0.0, figures[name]])
        for name in ("refiner_action_largest_deg", "refiner_action_mean_deg", "policy_action_mean_deg")
    )
    return Agreement(
        rows=NONE[0, 0],
        planner=PlannerAgreement(exact, within, cosine, 0.0, NONE, NONE),
        refiner=ActionDifference(largest, mean),
        policy=ActionDifference(100 * of_policy, of_policy),
        seed_ratio=figures["policy_action_over_seed"],
        scale_factor=figures["planner_scale_factor"],
    )


def judged(figures: dict[str, float], accepted: tuple[str, ...] = ()) -> dict[str, GateEntry]:
    found = {**PERFECT, **figures}
    entries = judge("tensorrt", agreement(found), found["closed_loop_drop_points"], accepted)
    return {gate.name: gate for gate in entries}


@pytest.mark.parametrize("name", list(GATES))
def test_every_gate_closes_at_its_threshold_and_closes_nothing_else(name: str) -> None:
    gate = GATES[name]
    beyond = float(np.nextafter(gate.value, -np.inf if gate.better == "higher" else np.inf))
    assert judged({name: gate.value})[name].verdict == "passed"
    assert [entry.name for entry in judged({name: beyond}).values() if entry.verdict == "failed"] == [name]
    assert judged({name: beyond})[name].value == beyond


def test_an_entry_says_which_target_and_which_threshold() -> None:
    for name, entry in judged({}).items():
        assert (entry.target, entry.threshold, entry.better) == ("tensorrt", GATES[name].value, GATES[name].better)


def test_a_drop_below_zero_is_a_gain() -> None:
    assert judged({"closed_loop_drop_points": -20.0})["closed_loop_drop_points"].verdict == "passed"


def test_all_gates_are_there_and_the_closed_loop_was_not_run() -> None:
    entries = judge("cpu", agreement(PERFECT), None, ["closed_loop_drop_points"])
    assert [entry.name for entry in entries] == list(GATES)
    assert (entries[-1].name, entries[-1].verdict, entries[-1].value) == ("closed_loop_drop_points", "not run", None)
    assert not entries[-1].accepted


def test_figures_of_the_planner_are_those_of_its_gates() -> None:
    names = ("planner_tokens_exact", "planner_tokens_within_one_bin", "planner_logit_cosine")
    assert planner_figures(agreement(PERFECT).planner) == dict.fromkeys(names, 1.0)


def test_an_acceptance_is_recorded_only_where_it_was_needed() -> None:
    gates = judged({"planner_tokens_exact": 0.5}, ("planner_tokens_exact", "planner_logit_cosine"))
    assert gates["planner_tokens_exact"].accepted
    assert gates["planner_tokens_exact"].verdict == "failed"
    assert not gates["planner_logit_cosine"].accepted


def test_an_unknown_gate_cannot_be_accepted() -> None:
    with pytest.raises(ConfigError, match="--accept speed: there is no such gate; gates are planner_tokens_exact"):
        check_names(["speed"])

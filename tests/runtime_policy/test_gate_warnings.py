"""What is said of a bundle's gates before it drives an arm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from libra_edge.bundle import Bundle, GateEntry, open_bundle
from libra_edge.cli.gate_warnings import gate_warnings
from tests.models import write_tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return open_bundle(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny"))


def gate(**changes: Any) -> GateEntry:
    facts = {"target": "cpu", "name": "closeness", "value": 0.25, "threshold": 0.5, "better": "lower"}
    return GateEntry.model_validate({**facts, "verdict": "passed", **changes})


def with_gates(bundle: Bundle, *gates: GateEntry) -> Bundle:
    return replace(bundle, manifest=bundle.manifest.model_copy(update={"gates": gates}))


def test_a_fresh_export_warns_of_the_closed_loop_alone(bundle: Bundle) -> None:
    (sentence,) = gate_warnings(bundle, "cpu")
    assert sentence.startswith("gate 'closed_loop_drop_points' was not run for this bundle")


def test_gates_not_run_and_failures_accepted_are_told_and_passed_ones_are_not(bundle: Bundle) -> None:
    gates = [gate(), gate(name="speed", verdict="not run", value=None)]
    gates += [gate(name="heat", verdict="failed", value=1.25, accepted=True)]
    speed, heat = gate_warnings(with_gates(bundle, *gates), "cpu")
    assert "'speed' was not run" in speed
    assert "'heat' failed for this bundle (1.25 against 0.5) and was accepted at export" in heat


def test_gates_of_another_target_are_nobody_s_business_here(bundle: Bundle) -> None:
    elsewhere = with_gates(bundle, gate(target="tensorrt", verdict="not run", value=None))
    assert gate_warnings(elsewhere, "cpu") == []
    assert "on tensorrt" in gate_warnings(elsewhere, "tensorrt")[0]

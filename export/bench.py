"""Tries candidates of a stage on calibration samples: what a precision costs, and on `cpu` what it saves.

Samples that judge the export are never looked at here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from libra_edge.bundle import Target
from libra_edge.errors import EngineError
from libra_edge.export.agreement import ActionDifference, PlannerAgreement, action_difference, compare_logits
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.graph import Graph, write_graph
from libra_edge.export.half_range import BeyondHalf
from libra_edge.export.latency import Latency, measure_latency
from libra_edge.export.outcome import planner_logits, refined_actions
from libra_edge.export.policy_graphs import PlannerGraph, RefinerGraphs
from libra_edge.export.progress import SilentProgress
from libra_edge.export.rounding import rounded
from libra_edge.messages import Int64

SILENT = SilentProgress()


class PlannerBench:
    """FP32's logits on `rows`, and candidates beside them."""

    def __init__(self, model: CheckedModel, target: Target, rows: Int64, scratch: Path) -> None:
        self._model, self._target, self._rows, self._scratch = model, target, rows, scratch
        self._expected = planner_logits(model.open_planner(), model.samples, rows, SILENT)

    def agreement(self, candidate: Graph) -> PlannerAgreement:
        """A candidate whose numbers break (its weights or activations overflow) agrees in nothing."""
        try:
            found = planner_logits(self._opened(candidate, "candidate"), self._model.samples, self._rows, SILENT)
        except (EngineError, BeyondHalf):
            found = -self._expected
        return compare_logits(self._expected, found)

    def latency(self, candidate: Graph, other: Graph) -> Latency:
        """The candidate's processor time beside that of the other, which stands where FP32 stands elsewhere."""
        ours, theirs = self._opened(candidate, "candidate"), self._opened(other, "other")
        feed = self._model.samples.feed(int(self._rows[0]), ours.inputs)
        return measure_latency(lambda: ours.logits(feed), lambda: theirs.logits(feed), SILENT, time.thread_time)

    def _opened(self, graph: Graph, name: str) -> PlannerGraph:
        path = self._scratch / f"{name}.onnx"
        write_graph(_runnable(graph, self._target), path)
        return PlannerGraph(path, self._model.directory.spec, _fault)


class RefinerBench:
    """FP32's actions on `rows`, and candidates beside them."""

    def __init__(self, model: CheckedModel, target: Target, rows: Int64, scratch: Path) -> None:
        self._model, self._target, self._rows, self._scratch = model, target, rows, scratch
        self._expected = refined_actions(model.open_refiner(), model.samples, rows, SILENT)

    def difference(self, candidate: Mapping[str, Graph]) -> ActionDifference:
        """A candidate whose numbers break (its weights or activations overflow) is off by all that a joint can turn."""
        space = self._model.directory.spec.action_space
        try:
            refiner = self._opened(candidate)
            found = refined_actions(refiner, self._model.samples, self._rows, SILENT)
        except (EngineError, BeyondHalf):
            return ActionDifference(*[np.degrees(space.high - space.low)] * 2)
        return action_difference(self._expected, found, space)

    def _opened(self, candidate: Mapping[str, Graph]) -> RefinerGraphs:
        paths = {name: self._scratch / f"{name}.onnx" for name in candidate}
        for name, graph in candidate.items():
            write_graph(_runnable(graph, self._target), paths[name])
        return RefinerGraphs(paths["refiner_encoder"], paths["refiner_step"], self._model.directory.spec, _fault)


def _runnable(graph: Graph, target: Target) -> Graph:
    return rounded(graph) if target == "tensorrt" else graph


def _fault(problem: str) -> EngineError:
    return EngineError("candidate", problem)

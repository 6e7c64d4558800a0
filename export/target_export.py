"""One target of an export: convert both stages, write them, and compare what was written with FP32."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from libra_edge.bundle import Target
from libra_edge.errors import EngineError, ModelDirectoryError
from libra_edge.export.agreement import Agreement, compare
from libra_edge.export.bundle_folder import BundleFolder, sync
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.conversion import (
    PlannerChoice,
    RefinerChoice,
    Stage,
    convert_planner,
    convert_refiner,
    int8_layers,
    int8_reference,
)
from libra_edge.export.graph import write_graph
from libra_edge.export.graph_file import read_graph
from libra_edge.export.half_range import BeyondHalf
from libra_edge.export.latency import TURNS, WARM_UP, Latency, measure_latency
from libra_edge.export.mac_share import MacShare, measure_mac_share
from libra_edge.export.outcome import Outcome, planner_logits, policy_outcome
from libra_edge.export.policy_graphs import PlannerGraph, RefinerGraphs, Source
from libra_edge.export.precision import Precision
from libra_edge.export.progress import Progress
from libra_edge.export.ranges import Activation
from libra_edge.export.rounding import rounded
from libra_edge.export.scale_check import largest_scale_factor

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class TargetExport:
    """What was written for a target, and what was measured of it.

    Attributes:
        stages: planner and refiner, as converted.
        paths: graph name -> file written.
        latency: by stage, None where the target does not run here.
        macs: what the planner's products ran in, None where the target does not run here.
    """

    target: Target
    precision: Precision
    stages: Mapping[str, Stage]
    paths: Mapping[str, Path]
    agreement: Agreement
    latency: Mapping[str, Latency] | None
    macs: MacShare | None


@dataclass(frozen=True, slots=True, eq=False)
class TargetOrder:
    """What is exported for a target, and what it is compared with: `fp32` on held-out samples."""

    model: CheckedModel
    target: Target
    planner: PlannerChoice
    refiner: RefinerChoice
    precision: Precision
    activations: Mapping[str, Activation]
    fp32: Outcome
    seed: int


def export_target(order: TargetOrder, folder: BundleFolder, progress: Progress) -> TargetExport:
    """Raises ModelDirectoryError, EngineError, OSError."""
    stages = _convert(order)
    paths = _write(order, stages, folder, progress)
    agreement = dataclasses.replace(_compare(order, paths, progress), scale_factor=_scale_factor(order, paths))
    latency = macs = None
    if order.target == "cpu":
        latency = _measure_latency(order, paths, progress)
        macs = _measure_macs(order, paths["planner"])
    return TargetExport(order.target, order.precision, stages, paths, agreement, latency, macs)


def runnable(path: Path, target: Target) -> Source:
    """What stands in for a written graph on this machine: itself, or what computes as the target's hardware would."""
    return path if target == "cpu" else rounded(read_graph(path))


def _convert(order: TargetOrder) -> dict[str, Stage]:
    model, precision = order.model, order.precision
    try:
        planner = convert_planner(model.planner, order.target, order.planner, precision.planner, order.activations)
    except ValueError as error:
        raise ModelDirectoryError(model.directory.path, f"planner.onnx {error}") from error
    try:
        refiner = convert_refiner(model.refiner, order.target, order.refiner, precision.refiner)
    except ValueError as error:
        raise ModelDirectoryError(model.directory.path, str(error)) from error
    return {"planner": planner, "refiner": refiner}


def _write(
    order: TargetOrder, stages: Mapping[str, Stage], folder: BundleFolder, progress: Progress
) -> dict[str, Path]:
    graphs = {name: graph for stage in stages.values() for name, graph in stage.graphs.items()}
    size = sum(weight.nbytes for graph in graphs.values() for weight in graph.weights.values())
    progress.begin(f"Writing {order.target}", size)
    paths = {}
    for name, graph in graphs.items():
        paths[name] = folder.place(f"{order.target}/{name}.onnx")
        try:
            files = write_graph(graph, paths[name], progress.advance)
        except BeyondHalf as error:
            raise ModelDirectoryError(order.model.directory.path, f"{name}.onnx {error}") from error
        for file in files:
            sync(file)
    return paths


def _compare(order: TargetOrder, paths: Mapping[str, Path], progress: Progress) -> Agreement:
    spec, samples, rows = order.model.directory.spec, order.model.samples, order.fp32.rows
    sources = {name: runnable(path, order.target) for name, path in paths.items()}
    progress.begin(f"Comparing with FP32, {order.target}", 2 * len(rows))
    planner = PlannerGraph(sources["planner"], spec, _fault)
    logits = planner_logits(planner, samples, rows, progress)
    del planner
    refiner = RefinerGraphs(sources["refiner_encoder"], sources["refiner_step"], spec, _fault)
    exported = policy_outcome(logits, refiner, samples, rows, seed=order.seed, progress=progress)
    return compare(order.fp32, exported, spec.action_space)


def _scale_factor(order: TargetOrder, paths: Mapping[str, Path]) -> float:
    if order.planner != "int8":
        return 1.0
    precision, planner = order.precision.planner, order.model.planner
    names = [name for members in int8_layers(planner, precision.not_int8).values() for name in members]
    reference, ranges = int8_reference(planner, names, precision.calibrating, order.activations)
    return largest_scale_factor(read_graph(paths["planner"]), reference, ranges)


def _measure_latency(order: TargetOrder, paths: Mapping[str, Path], progress: Progress) -> dict[str, Latency]:
    progress.begin("Measuring latency, FP32 and exported in turns", 2 * (WARM_UP + TURNS))
    row = int(order.fp32.rows[0])
    return {
        "planner": _planner_latency(order, paths, row, progress),
        "refiner": _refiner_latency(order, paths, row, progress),
    }


def _planner_latency(order: TargetOrder, paths: Mapping[str, Path], row: int, progress: Progress) -> Latency:
    planner, fp32 = PlannerGraph(paths["planner"], order.model.directory.spec, _fault), order.model.open_planner()
    feed = order.model.samples.feed(row, planner.inputs)
    return measure_latency(lambda: planner.logits(feed), lambda: fp32.logits(feed), progress)


def _refiner_latency(order: TargetOrder, paths: Mapping[str, Path], row: int, progress: Progress) -> Latency:
    encoder, step = paths["refiner_encoder"], paths["refiner_step"]
    refiner, fp32 = RefinerGraphs(encoder, step, order.model.directory.spec, _fault), order.model.open_refiner()
    feed = order.model.samples.feed(row, refiner.inputs)
    return measure_latency(lambda: refiner.actions(feed), lambda: fp32.actions(feed), progress)


def _measure_macs(order: TargetOrder, planner: Path) -> MacShare:
    feed = order.model.samples.feed(int(order.fp32.rows[0]), order.model.directory.spec.planner_inputs())
    try:
        return measure_mac_share(planner, read_graph(planner), feed)
    except ValueError as error:
        raise _fault(f"planner.onnx {error}") from error


def _fault(problem: str) -> EngineError:
    return EngineError("exported policy", problem)

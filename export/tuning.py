"""Chooses each layer's precision by measurement and keeps what was measured: `libra-edge export --tune`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from libra_edge.bundle import Target, sha256_of
from libra_edge.errors import ModelDirectoryError
from libra_edge.export.bench import PlannerBench, RefinerBench
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.conversion import PlannerChoice, RefinerChoice
from libra_edge.export.half_tuning import tune_planner_half, tune_refiner_half
from libra_edge.export.int8_tuning import Int8Tuning
from libra_edge.export.precision import PlannerPrecision, Precision, RefinerPrecision
from libra_edge.export.progress import Progress
from libra_edge.export.ranges import Activation
from libra_edge.messages import Int64


@dataclass(frozen=True, slots=True, eq=False)
class TuningOrder:
    """What is tuned, and on which samples: `rows` of the calibration samples, none of those that judge the export."""

    model: CheckedModel
    target: Target
    planner: PlannerChoice
    refiner: RefinerChoice
    activations: Mapping[str, Activation]
    rows: Int64


def tune(order: TuningOrder, progress: Progress) -> Precision:
    """Raises ModelDirectoryError."""
    with tempfile.TemporaryDirectory(prefix="libra-edge-tune-") as scratch:
        try:
            tuned = _tune_planner(order, Path(scratch), progress), _tune_refiner(order, Path(scratch), progress)
        except ValueError as error:
            raise ModelDirectoryError(order.model.directory.path, f"a graph {error}") from error
    directory = order.model.directory
    files = [file for name in order.model.graphs.graphs for file in directory.graph_files(name)]
    return Precision(
        planner=tuned[0].planner,
        refiner=tuned[1].refiner,
        measured_on={file.name: sha256_of(file) for file in files},
        methods=tuned[0].methods,
        sensitivity=(*tuned[0].sensitivity, *tuned[1].sensitivity),
    )


def _tune_planner(order: TuningOrder, scratch: Path, progress: Progress) -> Precision:
    bench = PlannerBench(order.model, order.target, order.rows, scratch)
    half = tune_planner_half(order.model.planner, bench, progress) if order.target == "tensorrt" else None
    fp32 = half.fp32 if half else PlannerPrecision().fp32
    sensitivity = half.sensitivity if half else ()
    if order.planner != "int8":
        return Precision(planner=PlannerPrecision(fp32=fp32), sensitivity=sensitivity)
    found = Int8Tuning(order.model.planner, order.target, order.activations, bench, progress).tune()
    planner = found.planner.model_copy(update={"fp32": fp32})
    return Precision(planner=planner, methods=found.methods, sensitivity=(*found.sensitivity, *sensitivity))


def _tune_refiner(order: TuningOrder, scratch: Path, progress: Progress) -> Precision:
    if order.target == "cpu" or order.refiner == "fp32":
        return Precision()
    bench = RefinerBench(order.model, order.target, order.rows, scratch)
    half = tune_refiner_half(order.model.refiner, order.refiner, bench, progress)
    return Precision(refiner=RefinerPrecision(fp32=half.fp32), sensitivity=half.sensitivity)

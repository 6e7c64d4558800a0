"""FP32 graphs to the precision that was asked for: planner INT8, refiner FP16, or either left in FP32."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from onnx import ModelProto

from libra_edge.errors import ModelDirectoryError
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.half_weights import to_half_weights
from libra_edge.export.int8 import to_int8
from libra_edge.export.progress import Progress
from libra_edge.messages import Int64

PlannerPrecision = Literal["int8", "fp32"]
RefinerPrecision = Literal["fp16", "fp32"]

LAYERS = {
    "int8": {
        "products with weights (Conv, MatMul, Gemm)": "int8 x int8, summed in int32, result in fp32",
        "products of activations (attention)": "fp32",
        "biases, normalisation and all else": "fp32",
    },
    "fp16": {"weights": "fp16, cast to fp32 at load", "biases, normalisation and arithmetic": "fp32"},
    "fp32": {"everything": "fp32"},
}


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One system's graphs after conversion, by graph name."""

    precision: str
    graphs: Mapping[str, ModelProto]


def convert_planner(model: CheckedModel, precision: PlannerPrecision, rows: Int64, progress: Progress) -> Stage:
    """Planner graph; `rows` of the samples set the INT8 ranges."""
    planner = model.graphs.models["planner"]
    if precision == "int8":
        progress.begin("Choosing INT8 ranges", len(rows))
        feeds = (model.samples.feed(int(row), model.fp32.planner_inputs) for row in rows)
        planner = to_int8(planner, feeds, progress)
    return Stage(precision, {"planner": planner})


def convert_refiner(model: CheckedModel, precision: RefinerPrecision, progress: Progress) -> Stage:
    """Refiner's encoder and step graphs. Raises ModelDirectoryError for a weight that FP16 cannot hold."""
    graphs = {name: model.graphs.models[name] for name in ("refiner_encoder", "refiner_step")}
    if precision == "fp32":
        return Stage(precision, graphs)
    progress.begin("Rounding the refiner to FP16", len(graphs))
    for name, graph in graphs.items():
        try:
            graphs[name] = to_half_weights(graph)
        except ValueError as error:
            raise ModelDirectoryError(model.directory.path, f"{name}.onnx {error}") from error
        progress.advance()
    return Stage(precision, graphs)

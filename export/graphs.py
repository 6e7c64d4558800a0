"""Loads the three FP32 graphs of a model directory and holds them against its `model.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, TensorProto, ValueInfoProto, checker, helper, shape_inference

from libra_edge.errors import ModelDirectoryError
from libra_edge.export.weights import check_weights
from libra_edge.model_directory import GRAPHS, ModelDirectory
from libra_edge.model_spec import ModelSpec

OPSETS = range(18, 22)
MAX_IR_VERSION = 10
FEATURES = "features"
SAMPLE_NEXT = "sample_next"
RANDOM_OPERATORS = frozenset({"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"})
CONTROL_FLOW = frozenset({"If", "Loop", "Scan"})
QUANTISED = frozenset({"QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "MatMulInteger"})
REFUSED = {
    **dict.fromkeys(RANDOM_OPERATORS, "draws random numbers; make them an input"),
    **dict.fromkeys(CONTROL_FLOW, "is control flow; export the model with fixed shapes and no branches"),
    **dict.fromkeys(QUANTISED, "is quantised already; give the FP32 graph"),
}

Tensors = dict[str, tuple[str, tuple[int, ...]]]


@dataclass(frozen=True, slots=True, eq=False)
class FloatGraphs:
    """The FP32 graphs by name, checked, and how many weights each holds."""

    models: Mapping[str, ModelProto]
    parameters: Mapping[str, int]


def load_graphs(directory: ModelDirectory) -> FloatGraphs:
    """Read and check all three. Raises ModelDirectoryError that names file and tensor or node."""
    models, parameters = {}, {}
    features: Tensors = {}
    for name in GRAPHS:
        try:
            models[name] = _load(directory.graph(name))
            parameters[name] = _check(models[name], *_signature(name, directory.spec, features))
        except ValueError as error:
            raise ModelDirectoryError(directory.path, f"{name}.onnx {error}; see docs/model-directory.md") from error
        if name == "refiner_encoder":
            features = {FEATURES: _tensors(models[name].graph.output, "output")[FEATURES]}
    return FloatGraphs(models, parameters)


def _signature(name: str, spec: ModelSpec, features: Tensors) -> tuple[Tensors, Tensors | None]:
    """Inputs and outputs that the contract asks for; None where it leaves the output's shape open."""
    if name == "planner":
        return spec.planner_inputs(), spec.planner_outputs()
    if name == "refiner_encoder":
        return spec.refiner_encoder_inputs(), None
    inputs = spec.refiner_step_inputs()
    return {**features, **inputs}, {SAMPLE_NEXT: inputs["sample"]}


def _load(path: Path) -> ModelProto:
    """Raises ValueError with a clause that reads on from the file's name."""
    try:
        model = onnx.load(path)
        checker.check_model(model, full_check=True)
    except (OSError, DecodeError) as error:
        raise ValueError(f"cannot be read, it is truncated or not ONNX ({error})") from error
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(f"is not a valid ONNX model ({first})") from error
    return model


def _check(model: ModelProto, inputs: Tensors, outputs: Tensors | None) -> int:
    """Number of weights. Raises ValueError."""
    _check_versions(model)
    _check_operators(model)
    _compare("input", inputs, _tensors(model.graph.input, "input"))
    found = _tensors(model.graph.output, "output")
    if outputs is not None:
        _compare("output", outputs, found)
    elif set(found) != {FEATURES} or found[FEATURES][0] != "float32":
        raise ValueError(f"should have one output, {FEATURES!r} float32, but has {_listed(found)}")
    return check_weights(model)


def _check_versions(model: ModelProto) -> None:
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    opset = opsets.get("", opsets.get("ai.onnx", 0))
    if opset not in OPSETS:
        raise ValueError(f"uses opset {opset}; export it with opset {OPSETS[0]} to {OPSETS[-1]}")
    if model.ir_version > MAX_IR_VERSION:
        raise ValueError(f"has ONNX IR version {model.ir_version}; save it with IR version {MAX_IR_VERSION} or less")


def _check_operators(model: ModelProto) -> None:
    for node in model.graph.node:
        name = f"node {node.name or node.output[0]!r} ({node.op_type})"
        if node.domain not in ("", "ai.onnx"):
            raise ValueError(f"has {name} of domain {node.domain!r}; only standard ONNX operators are supported")
        if node.op_type in REFUSED:
            raise ValueError(f"has {name}, which {REFUSED[node.op_type]}")


def _tensors(values: list[ValueInfoProto], what: str) -> Tensors:
    """Name -> (numpy dtype name, shape). Raises ValueError on a shape that is not fixed."""
    tensors: Tensors = {}
    for value in values:
        tensor = value.type.tensor_type
        if not value.type.HasField("tensor_type") or tensor.elem_type == TensorProto.STRING:
            raise ValueError(f"has {what} {value.name!r} that is not a tensor of numbers")
        free = [dim.dim_param or "?" for dim in tensor.shape.dim if not dim.HasField("dim_value")]
        if free or not tensor.HasField("shape"):
            raise ValueError(f"has {what} {value.name!r} with the free dimension {', '.join(free)!r}; fix all shapes")
        dtype = str(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
        tensors[value.name] = (dtype, tuple(dim.dim_value for dim in tensor.shape.dim))
    return tensors


def _compare(what: str, expected: Tensors, found: Tensors) -> None:
    if set(expected) != set(found):
        raise ValueError(f"has {what}s {_listed(found)}, model.toml asks for {_listed(expected)}")
    for name, tensor in expected.items():
        if found[name] != tensor:
            raise ValueError(
                f"has {what} {_listed({name: found[name]})}, model.toml asks for {_listed({name: tensor})}"
            )


def _listed(tensors: Tensors) -> str:
    return ", ".join(f"{name!r} {dtype} {list(shape)}" for name, (dtype, shape) in tensors.items()) or "none"

"""Loads the three FP32 graphs of a model directory and holds them against its `model.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onnx import NodeProto, TensorProto, ValueInfoProto, helper

from libra_edge.errors import ModelDirectoryError
from libra_edge.export.graph import Graph
from libra_edge.export.graph_file import read_graph
from libra_edge.export.progress import Progress
from libra_edge.export.weights import check_weights
from libra_edge.model_directory import GRAPHS, ModelDirectory
from libra_edge.model_spec import ModelSpec

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

    graphs: Mapping[str, Graph]
    parameters: Mapping[str, int]


def load_graphs(directory: ModelDirectory, progress: Progress) -> FloatGraphs:
    """Read and check all three. Raises ModelDirectoryError that names file and tensor or node."""
    graphs: dict[str, Graph] = {}
    parameters = {}
    features: Tensors = {}
    for name in GRAPHS:
        try:
            graph = graphs[name] = read_graph(directory.graph(name))
            _check(graph, *_signature(name, directory.spec, features))
            progress.begin(f"Checking the weights of {name}", sum(weight.nbytes for weight in graph.weights.values()))
            parameters[name] = check_weights(graph, progress.advance)
        except ValueError as error:
            raise ModelDirectoryError(directory.path, f"{name}.onnx {error}; see docs/model-directory.md") from error
        if name == "refiner_encoder":
            features = {FEATURES: _tensors(graph.outputs, "output")[FEATURES]}
    return FloatGraphs(graphs, parameters)


def _signature(name: str, spec: ModelSpec, features: Tensors) -> tuple[Tensors, Tensors | None]:
    """Inputs and outputs that the contract asks for; None where it leaves the output's shape open."""
    if name == "planner":
        return spec.planner_inputs(), spec.planner_outputs()
    if name == "refiner_encoder":
        return spec.refiner_encoder_inputs(), None
    inputs = spec.refiner_step_inputs()
    return {**features, **inputs}, {SAMPLE_NEXT: inputs["sample"]}


def _check(graph: Graph, inputs: Tensors, outputs: Tensors | None) -> None:
    """Raises ValueError with a clause that reads on from the file's name."""
    for node in graph.nodes:
        _check_operator(node)
    _compare("input", inputs, _tensors(graph.inputs, "input"))
    found = _tensors(graph.outputs, "output")
    if outputs is not None:
        _compare("output", outputs, found)
    elif set(found) != {FEATURES} or found[FEATURES][0] != "float32":
        raise ValueError(f"should have one output, {FEATURES!r} float32, but has {_listed(found)}")


def _check_operator(node: NodeProto) -> None:
    name = f"node {node.name!r} ({node.op_type})"
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

"""ONNX models of tests as graphs, and graphs run in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, checker, shape_inference

from libra_edge.export.graph import Graph, model_of, named
from libra_edge.export.weight import of_tensor

Array = NDArray[Any]
EVERY_LEVEL = (
    ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
)


def graph_of(model: ModelProto) -> Graph:
    """Nodes and weights of a model whose weights lie in memory."""
    opset = next(entry.version for entry in model.opset_import if not entry.domain)
    weights = {tensor.name: of_tensor(tensor) for tensor in model.graph.initializer}
    proto = model.graph
    return Graph(proto.name, opset, named(proto.node), list(proto.input), list(proto.output), weights)


def shipped(name: str) -> Graph:
    """One of the graphs of `libra_base`."""
    return graph_of(onnx.load(Path(__file__).parents[1] / "models" / "libra_base" / f"{name}.onnx"))


def checked(graph: Graph) -> ModelProto:
    """The graph as a model that ONNX's checker and strict type inference have passed."""
    model = model_of(graph, external=False)
    checker.check_model(model, full_check=True)
    return shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


def run(graph: Graph, feed: Mapping[str, Array], level: ort.GraphOptimizationLevel = EVERY_LEVEL[-1]) -> list[Array]:
    """Outputs of the graph in ONNX Runtime, on one thread."""
    return _run(graph, feed, level, None)


def optimised(graph: Graph, feed: Mapping[str, Array], scratch: Path) -> list[NodeProto]:
    """The nodes that ONNX Runtime makes of the graph when it optimises all it can."""
    _run(graph, feed, EVERY_LEVEL[-1], scratch)
    return list(onnx.load(scratch).graph.node)


def _run(
    graph: Graph, feed: Mapping[str, Array], level: ort.GraphOptimizationLevel, written: Path | None
) -> list[Array]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = level
    if written is not None:
        options.optimized_model_filepath = str(written)
    model = model_of(graph, external=False).SerializeToString()
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    results: list[Array] = session.run(None, dict(feed))
    return results

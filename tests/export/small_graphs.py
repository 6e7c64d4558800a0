"""Small graphs for tests, taken apart as export takes them apart, and what they give."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from libra_edge.export.graph import Graph, model_of, named
from libra_edge.export.weight import of_tensor
from tests.graph_builder import GraphBuilder

Array = NDArray[Any]
Feed = dict[str, Array]


def random(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(list(shape)).standard_normal(shape).astype(np.float32)


def graph_of(model: ModelProto) -> Graph:
    weights = {tensor.name: of_tensor(tensor) for tensor in model.graph.initializer}
    nodes, inputs, outputs = named(model.graph.node), list(model.graph.input), list(model.graph.output)
    return Graph(model.graph.name, model.opset_import[0].version, nodes, inputs, outputs, weights)


def checked(graph: Graph) -> ModelProto:
    """The graph as a model that ONNX's own checker passes."""
    model = model_of(graph, external=False)
    onnx.checker.check_model(model, full_check=True)
    return model


def run(graph: Graph, feed: Feed, optimised: Path | None = None) -> Array:
    """First output; `optimised` is where ONNX Runtime writes what it made of the graph."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    if optimised:
        options.optimized_model_filepath = str(optimised)
    session = ort.InferenceSession(checked(graph).SerializeToString(), options)
    return np.asarray(session.run(None, feed)[0])


def operators(graph: Graph | ModelProto) -> Counter[str]:
    nodes = graph.nodes if isinstance(graph, Graph) else graph.graph.node
    return Counter(node.op_type for node in nodes)


LAYERED_FEED: Feed = {"image": random(1, 3, 8, 8)}
ATTENTION_MACS, TOKENS, WIDTH = 2 * 64 * 64 * 32, 16, 32
"""Multiply-adds of the two products of activations in `layered`; tokens and width of `transformer`."""


def layered() -> Graph:
    """Conv with a bias, MatMul + Add, two projections of one tensor, and Gemm with a transposed weight."""
    graph = GraphBuilder("layers")
    image = graph.input("image", TensorProto.FLOAT, [1, 3, 8, 8])
    seen = graph.node("Relu", graph.node("Conv", image, random(16, 3, 3, 3), random(16), pads=[1, 1, 1, 1]))
    cells = graph.node("Transpose", graph.node("Reshape", seen, np.array([1, 16, 64])), perm=[0, 2, 1])
    query = graph.node("Add", graph.node("MatMul", cells, random(16, 32)), random(32))
    key = graph.node("Add", random(33)[:32], graph.node("MatMul", cells, random(16, 33)[:, :32].copy()))
    weights = graph.node("Softmax", graph.node("MatMul", query, graph.node("Transpose", key, perm=[0, 2, 1])))
    pooled = graph.node("ReduceMean", graph.node("MatMul", weights, key), np.array([1]), keepdims=0)
    graph.output("out", graph.node("Gemm", pooled, random(20, 32), random(20), transB=1), [1, 20])
    return graph_of(graph.model())


def transformer() -> Graph:
    """Patches and words through one block with attention and an FFN, to a head: a vision-language planner in small."""
    graph = GraphBuilder("transformer")
    picture = graph.input("image_front", TensorProto.UINT8, [1, 16, 16, 3])
    pixels = graph.node("Transpose", graph.node("Cast", picture, to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    patches = graph.node("Conv", pixels, random(WIDTH, 3, 4, 4) / 255, random(WIDTH), strides=[4, 4])
    patches = graph.node("Transpose", graph.node("Reshape", patches, np.array([1, WIDTH, 16])), perm=[0, 2, 1])
    patches = graph.node("MatMul", graph.node("Relu", patches), random(WIDTH, WIDTH) / 6)
    state = graph.input("state", TensorProto.FLOAT, [1, 6])
    pose = graph.node("Unsqueeze", graph.node("Gemm", state, random(6, WIDTH), random(WIDTH)), np.array([1]))
    stream = graph.node("Concat", pose, patches, axis=1)
    stream = graph.node("Add", stream, _attention(graph, _norm(graph, stream)))
    hidden = graph.node(
        "Relu", graph.node("Add", graph.node("MatMul", _norm(graph, stream), random(WIDTH, 64)), random(64))
    )
    stream = graph.node("Add", stream, graph.node("MatMul", hidden, random(64, WIDTH) / 8))
    pooled = graph.node("ReduceMean", _norm(graph, stream), np.array([1]), keepdims=0)
    graph.output("logits", graph.node("Gemm", pooled, random(WIDTH, 10), random(10)), [1, 10])
    return graph_of(graph.model())


def _norm(graph: GraphBuilder, stream: str) -> str:
    return graph.node("LayerNormalization", stream, 1 + random(WIDTH) / 8, random(WIDTH) / 8, axis=-1)


def _attention(graph: GraphBuilder, normed: str) -> str:
    query, key, value = (graph.node("MatMul", normed, random(WIDTH, WIDTH + n)[:, n:].copy() / 6) for n in range(3))
    scores = graph.node("MatMul", query, graph.node("Transpose", key, perm=[0, 2, 1]))
    weighted = graph.node("MatMul", graph.node("Softmax", scores), value)
    return graph.node("MatMul", weighted, random(WIDTH, WIDTH + 3)[:, 3:].copy() / 6)


TRANSFORMER_FEED: Feed = {
    "image_front": np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8),
    "state": random(1, 6),
}

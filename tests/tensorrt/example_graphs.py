"""Small graphs in the form of target `tensorrt`, and others that break one rule of it each.

`make check-tensorrt` builds them with NVIDIA's own parser and builder: the first have to be taken, the others refused,
and the right node blamed, or the check itself would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, save_model

from tests.graph_builder import GraphBuilder

OPSET = 21
HEIGHT, WIDTH, CHANNELS, HIDDEN = 16, 24, 8, 32
Array = NDArray[Any]


def write_examples(folder: Path) -> dict[str, str | None]:
    """Write them all into `folder`: path -> operator of the node that has to be refused, None if the graph is good."""
    expected: dict[str, str | None] = {}
    for make, refused in EXAMPLES.items():
        file = folder / f"{make.__name__}.onnx"
        save_model(make(GraphBuilder(make.__name__)).model(OPSET), file)
        expected[str(file)] = refused
    beside = folder / "weights_beside.onnx"
    model = half_with_an_island(GraphBuilder("weights_beside")).model(OPSET)
    save_model(model, beside, save_as_external_data=True, location=f"{beside.name}.data", size_threshold=0)
    return {**expected, str(beside): None}


def int8_over_half(graph: GraphBuilder) -> GraphBuilder:
    """Like a planner: bytes of a picture, words and a state in, float32 out, INT8 layers between FP16 tensors."""
    image = graph.input("image_front", TensorProto.UINT8, [1, HEIGHT, WIDTH, 3])
    pixels = graph.node("Transpose", graph.node("Cast", image, to=TensorProto.FLOAT16), perm=[0, 3, 1, 2])
    kernel = _weight(graph, CHANNELS, 3, 3, 3, axis=0)
    edges = graph.node("Relu", graph.node("Conv", _quantised(graph, pixels), kernel, strides=[2, 2], pads=[1, 1, 1, 1]))
    flat = graph.node("Flatten", _quantised(graph, edges))
    seen = graph.node("MatMul", flat, _weight(graph, CHANNELS * HEIGHT * WIDTH // 4, HIDDEN, axis=1))
    words = graph.input("instruction", TensorProto.INT64, [1, 4])
    meaning = graph.node("ReduceMean", graph.node("Gather", _random(10, HIDDEN), words), np.array([1]), keepdims=0)
    state = graph.node("Cast", graph.input("state", TensorProto.FLOAT, [1, HIDDEN]), to=TensorProto.FLOAT16)
    both = graph.node("Add", graph.node("Add", seen, meaning), state)
    scores = graph.node("Softmax", graph.node("MatMul", _quantised(graph, both), _weight(graph, HIDDEN, 10, axis=1)))
    graph.output("logits", graph.node("Cast", scores, to=TensorProto.FLOAT), [1, 10])
    return graph


def half_with_an_island(graph: GraphBuilder) -> GraphBuilder:
    """Like a refiner's step: products in FP16, the sampler's sums in FP32."""
    return _step(graph, TensorProto.FLOAT16)


def bfloat16_with_an_island(graph: GraphBuilder) -> GraphBuilder:
    """The same in BF16."""
    return _step(graph, TensorProto.BFLOAT16)


def bytes_cut_before_they_are_cast(graph: GraphBuilder) -> GraphBuilder:
    """UINT8 may enter, but the first thing that happens to it has to be a Cast."""
    image = graph.input("image_front", TensorProto.UINT8, [1, HEIGHT, WIDTH, 3])
    cut = graph.node("Slice", image, *(np.array([value]) for value in (0, 8, 1)))
    graph.output("pixels", graph.node("Cast", cut, to=TensorProto.FLOAT), [1, 8, WIDTH, 3])
    return graph


def a_zero_point(graph: GraphBuilder) -> GraphBuilder:
    """Quantisers have to be symmetric."""
    state = graph.node("Cast", graph.input("state", TensorProto.FLOAT, [1, HIDDEN]), to=TensorProto.FLOAT16)
    graph.output("same", graph.node("Cast", _quantised(graph, state, zero=3), to=TensorProto.FLOAT), [1, HIDDEN])
    return graph


def an_int32_bias(graph: GraphBuilder) -> GraphBuilder:
    """Biases stay in floating point."""
    state = graph.node("Cast", graph.input("state", TensorProto.FLOAT, [1, HIDDEN]), to=TensorProto.FLOAT16)
    bias = graph.node("DequantizeLinear", np.arange(HIDDEN, dtype=np.int32), np.float16(0.01))
    graph.output("sum", graph.node("Cast", graph.node("Add", state, bias), to=TensorProto.FLOAT), [1, HIDDEN])
    return graph


EXAMPLES: dict[Callable[[GraphBuilder], GraphBuilder], str | None] = {
    int8_over_half: None,
    half_with_an_island: None,
    bfloat16_with_an_island: None,
    bytes_cut_before_they_are_cast: "Slice",
    a_zero_point: "QuantizeLinear",
    an_int32_bias: "DequantizeLinear",
}


def _step(graph: GraphBuilder, narrow: int) -> GraphBuilder:
    features = graph.node("Cast", graph.input("features", TensorProto.FLOAT, [1, 5, HIDDEN]), to=narrow)
    sample = graph.input("sample", TensorProto.FLOAT, [1, 5, 6])
    time = graph.node("Cast", graph.input("step", TensorProto.INT64, [1]), to=TensorProto.FLOAT)
    weight = graph.node("Cast", _random(HIDDEN, 6).astype(np.float32), to=narrow)
    target = graph.node("Cast", graph.node("MatMul", features, weight), to=TensorProto.FLOAT)
    remaining = graph.node("Sub", np.float32(1), graph.node("Mul", time, np.float32(0.2)))
    velocity = graph.node("Div", graph.node("Sub", target, sample), remaining)
    graph.output("sample_next", graph.node("Add", sample, graph.node("Mul", velocity, np.float32(0.2))), [1, 5, 6])
    return graph


def _quantised(graph: GraphBuilder, tensor: str, zero: int = 0) -> str:
    scale, zero_point = np.float16(0.05), np.int8(zero)
    return graph.node("DequantizeLinear", graph.node("QuantizeLinear", tensor, scale, zero_point), scale, zero_point)


def _weight(graph: GraphBuilder, *shape: int, axis: int) -> str:
    """INT8 weights with a scale a channel."""
    integers = np.random.default_rng(0).integers(-127, 128, shape, dtype=np.int8)
    channels = shape[axis]
    scale = np.linspace(0.001, 0.002, channels).astype(np.float16)
    return graph.node("DequantizeLinear", integers, scale, np.zeros(channels, np.int8), axis=axis)


def _random(*shape: int) -> Array:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float16)

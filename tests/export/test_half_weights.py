"""Refiner weights in FP16: half the bytes, the same arithmetic, and no overflow unseen."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import ModelProto, TensorProto, numpy_helper

from libra_edge.export.half_weights import to_half_weights
from tests.graph_builder import GraphBuilder


def linear(weight: float = 0.3) -> ModelProto:
    graph = GraphBuilder("linear")
    x = graph.input("x", TensorProto.FLOAT, [1, 64])
    values = np.full((64, 64), weight, np.float32)
    graph.output("out", graph.node("Add", graph.node("MatMul", x, values), np.full(64, 0.1, np.float32)), [1, 64])
    return graph.model()


def run(model: ModelProto) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    session = ort.InferenceSession(model.SerializeToString())
    result = session.run(None, {"x": np.ones((1, 64), np.float32)})[0]
    return np.asarray(result)


def test_weights_are_rounded_and_nothing_else() -> None:
    halved = to_half_weights(linear())
    onnx.checker.check_model(halved, full_check=True)
    dtypes = {tensor.name: numpy_helper.to_array(tensor).dtype for tensor in halved.graph.initializer}
    assert dtypes == {"constant_0_fp16": np.float16, "constant_1": np.float32}
    assert halved.ByteSize() < 0.6 * linear().ByteSize()
    expected = np.float32(np.float16(0.3)) * 64 + np.float32(0.1)
    np.testing.assert_allclose(run(halved), expected, rtol=1e-6)


def test_the_model_given_is_left_alone() -> None:
    model = linear()
    before = model.SerializeToString(deterministic=True)
    to_half_weights(model)
    assert model.SerializeToString(deterministic=True) == before


def test_the_largest_fp16_passes_and_what_lies_beyond_is_named() -> None:
    to_half_weights(linear(-65504.0))
    with pytest.raises(ValueError, match=r"weight 'constant_0' as large as 65600, beyond FP16's 65504"):
        to_half_weights(linear(-65600.0))

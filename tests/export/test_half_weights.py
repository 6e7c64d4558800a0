"""Weights in 16 bit: half the bytes, the same arithmetic, and no overflow unseen."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto

from libra_edge.export.graph import Graph
from libra_edge.export.half_format import Half
from libra_edge.export.half_weights import to_half_weights
from tests.export.small_graphs import checked, graph_of, run
from tests.graph_builder import GraphBuilder

FEED = {"x": np.ones((1, 64), np.float32)}


def linear(weight: float = 0.3) -> Graph:
    graph = GraphBuilder("linear")
    x = graph.input("x", TensorProto.FLOAT, [1, 64])
    values = np.full((64, 64), weight, np.float32)
    graph.output("out", graph.node("Add", graph.node("MatMul", x, values), np.full(64, 0.1, np.float32)), [1, 64])
    return graph_of(graph.model())


@pytest.mark.parametrize(("half", "dtype"), [("fp16", np.float16), ("bf16", ml_dtypes.bfloat16)])
def test_weights_are_rounded_and_nothing_else(half: Half, dtype: type[np.float16]) -> None:
    halved = to_half_weights(linear(), half)
    assert {name: weight.dtype for name, weight in halved.weights.items()} == {
        f"constant_0_{half}": np.dtype(dtype),
        "constant_1": np.dtype(np.float32),
    }
    assert checked(halved).ByteSize() < 0.6 * checked(linear()).ByteSize()
    expected = np.float32(dtype(0.3)) * 64 + np.float32(0.1)
    np.testing.assert_allclose(run(halved, FEED), np.full((1, 64), expected), rtol=1e-6)


def test_the_graph_given_is_left_alone() -> None:
    graph = linear()
    before = checked(graph).SerializeToString(deterministic=True)
    to_half_weights(graph, "fp16")
    assert checked(graph).SerializeToString(deterministic=True) == before


def test_the_largest_of_each_passes_and_what_lies_beyond_is_named() -> None:
    to_half_weights(linear(-65504.0), "fp16")
    with pytest.raises(ValueError, match=r"weight 'constant_0' as large as 65600, beyond the 65504 of fp16"):
        to_half_weights(linear(-65600.0), "fp16")
    to_half_weights(linear(1e30), "bf16")
    with pytest.raises(
        ValueError, match=r"as large as 3\.4e\+38, beyond the 3\.38953e\+38 of bf16; use --refiner fp32"
    ):
        to_half_weights(linear(3.4e38), "bf16")

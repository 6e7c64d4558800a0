"""Biases leave their layers without a bit of difference."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from libra_edge.export.graph import Graph
from libra_edge.export.layers import prepared, product_macs, weighted_layers
from tests.export.small_graphs import (
    ATTENTION_MACS,
    LAYERED_FEED,
    TRANSFORMER_FEED,
    checked,
    graph_of,
    layered,
    operators,
    random,
    run,
    transformer,
)
from tests.graph_builder import GraphBuilder

CONV_MACS = 16 * 8 * 8 * 3 * 3 * 3


def names(graph: Graph) -> list[str]:
    return [layer.name for layer in weighted_layers(graph)]


def test_only_products_with_weights_are_layers() -> None:
    found = weighted_layers(layered())
    assert [layer.operator for layer in found] == ["Conv", "MatMul", "MatMul", "Gemm"]
    assert [layer.macs for layer in found] == [CONV_MACS, 64 * 16 * 32, 64 * 16 * 32, 32 * 20]
    assert found[0].bias == "constant_1"
    assert (found[0].input, found[0].weight, found[0].output) == ("image", "constant_0", "conv_0")
    assert sum(product_macs(layered()).values()) == sum(layer.macs for layer in found) + ATTENTION_MACS


@pytest.mark.parametrize("subtract", [True, False])
def test_preparing_changes_no_bit_of_the_sums(subtract: bool) -> None:
    graph = layered()
    before = checked(graph).SerializeToString(deterministic=True)
    changed = prepared(graph, names(graph), subtract=subtract)
    assert operators(changed)["Gemm"] == 0
    assert operators(changed)["MatMul"] == 5
    assert names(changed) == names(graph)
    np.testing.assert_allclose(run(changed, LAYERED_FEED), run(graph, LAYERED_FEED), rtol=0, atol=2e-6)
    assert checked(graph).SerializeToString(deterministic=True) == before


def test_for_onnx_runtime_every_bias_is_subtracted() -> None:
    changed = prepared(layered(), names(layered()), subtract=True)
    assert operators(changed)["Add"] == 0
    assert operators(changed)["Sub"] == 4
    assert all(len(node.input) == 2 for node in changed.nodes if node.op_type == "Conv")


def test_for_tensorrt_a_conv_keeps_its_bias_and_the_others_are_added() -> None:
    changed = prepared(layered(), names(layered()), subtract=False)
    assert operators(changed)["Sub"] == 0
    assert operators(changed)["Add"] == 3
    assert [len(node.input) for node in changed.nodes if node.op_type == "Conv"] == [3]


def test_layers_that_are_not_named_stay_as_they_are() -> None:
    graph = layered()
    (gemm,) = (name for name in names(graph) if "gemm" in name)
    changed = prepared(graph, [name for name in names(graph) if name != gemm], subtract=True)
    assert operators(changed)["Gemm"] == 1
    assert prepared(graph, [], subtract=True).nodes == graph.nodes


def test_a_transformer_of_both_forms() -> None:
    graph = transformer()
    expected = run(graph, TRANSFORMER_FEED)
    for subtract in (True, False):
        changed = prepared(graph, names(graph), subtract=subtract)
        np.testing.assert_allclose(run(changed, TRANSFORMER_FEED), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scaling", [{"alpha": 0.5}, {"beta": 2.0}, {"transA": 1}])
def test_a_gemm_that_does_more_is_no_layer(scaling: dict[str, float]) -> None:
    graph = GraphBuilder("scaled")
    x = graph.input("x", TensorProto.FLOAT, [4, 4])
    graph.output("out", graph.node("Gemm", x, random(4, 4), random(4), **scaling), [4, 4])
    scaled = graph_of(graph.model())
    assert names(scaled) == []
    assert operators(prepared(scaled, ["/gemm_0"], subtract=True))["Gemm"] == 1 or scaled.nodes[0].name == "/gemm_0"


def test_products_that_are_no_layers() -> None:
    graph = GraphBuilder("others")
    x = graph.input("x", TensorProto.FLOAT, [2, 4, 4])
    batched = graph.node("MatMul", x, random(2, 4, 4))
    from_the_left = graph.node("MatMul", random(4, 4), batched)
    folded = graph.node("MatMul", random(4, 4), random(4, 5))
    graph.output("out", graph.node("MatMul", from_the_left, graph.node("Add", folded, np.float32(1))), [2, 4, 5])
    others = graph_of(graph.model())
    assert names(others) == []
    assert product_macs(others) == {"/matmul_0": 128, "/matmul_1": 128, "/matmul_2": 80, "/matmul_4": 160}


def test_a_bias_that_two_layers_share() -> None:
    graph = GraphBuilder("shared")
    x = graph.input("x", TensorProto.FLOAT, [1, 4])
    graph.output(
        "out", graph.node("Gemm", graph.node("Gemm", x, random(4, 4), random(4)), random(4, 4, 1)[..., 0]), [1, 4]
    )
    shared = graph_of(graph.model())
    shared.nodes[1].input.append(shared.nodes[0].input[2])
    shared.nodes[1].input[1] = shared.nodes[0].input[1]
    shared.drop_unused_weights()
    changed = prepared(shared, names(shared), subtract=True)
    feed = {"x": random(1, 4)}
    np.testing.assert_allclose(run(changed, feed), run(shared, feed), rtol=0, atol=1e-6)
    assert len(changed.weights) == 2

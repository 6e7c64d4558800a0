"""Smoothing: the product stays, outliers go where a scale a channel can hold them, all else is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from libra_edge.export.graph import Graph
from libra_edge.export.layers import weighted_layers
from libra_edge.export.progress import SilentProgress
from libra_edge.export.ranges import Activation, Watch, observe, range_of
from libra_edge.export.smoothing import smoothed
from tests.export.small_graphs import TRANSFORMER_FEED, Feed, checked, graph_of, random, run, transformer
from tests.graph_builder import GraphBuilder

OUTLIER = 3
FEEDS: list[Feed] = [{"x": random(4, 8, number)[..., 0]} for number in (1, 2, 3)]


def normalised(*, residual: bool = False) -> Graph:
    """LayerNormalization with one channel a hundred times as large, and two projections of it."""
    graph = GraphBuilder("normalised")
    x = graph.input("x", TensorProto.FLOAT, [4, 8])
    scale = np.ones(8, np.float32)
    scale[OUTLIER] = 100
    normed = graph.node("LayerNormalization", x, scale, random(8))
    left, right = graph.node("MatMul", normed, random(8, 6)), graph.node("MatMul", normed, random(8, 7)[:, :6].copy())
    result = graph.node("Add", left, right)
    if residual:
        result = graph.node("Add", result, graph.node("Slice", normed, *(np.array([n]) for n in (0, 6, 1))))
    graph.output("out", result, [4, 6])
    return graph_of(graph.model())


def layers(graph: Graph) -> list[str]:
    return [layer.name for layer in weighted_layers(graph)]


def observed(graph: Graph, feeds: list[Feed]) -> dict[str, Activation]:
    return observe(
        graph, {layer.input: Watch(layer.input) for layer in weighted_layers(graph)}, feeds, SilentProgress()
    )


def test_the_product_is_what_it_was() -> None:
    graph = normalised()
    changed, _ = smoothed(graph, layers(graph), observed(graph, FEEDS), 0.5)
    checked(changed)
    assert changed.weights.keys() != graph.weights.keys()
    for feed in FEEDS:
        np.testing.assert_allclose(run(changed, feed), run(graph, feed), rtol=1e-5, atol=1e-4)


def test_the_outlier_is_smaller_and_its_new_range_is_what_is_observed() -> None:
    graph = normalised()
    before = observed(graph, FEEDS)
    changed, after = smoothed(graph, layers(graph), before, 0.5)
    (name,) = before
    channels = [activation[name].largest_by_channel for activation in (before, after)]
    spread = [float(values.max() / np.median(values)) for values in channels]
    assert spread[1] < 0.3 * spread[0]
    seen = observed(changed, FEEDS)[name]
    np.testing.assert_allclose(after[name].largest_by_channel, seen.largest_by_channel, rtol=1e-5)
    assert after[name].largest == pytest.approx(seen.largest, rel=1e-5)


@pytest.mark.parametrize("method", ["min-max", "percentile", "entropy"])
def test_a_smoothed_range_is_the_largest_for_the_old_histogram_says_nothing(method: Any) -> None:
    graph = normalised()
    _, after = smoothed(graph, layers(graph), observed(graph, FEEDS), 0.5)
    (activation,) = after.values()
    assert range_of(activation, method, 90.0) == activation.largest


def test_a_weight_moves_all_the_way_or_not_at_all() -> None:
    """At strength 1 every channel of the input is 1; at 0 every row of the weights is."""
    graph = normalised()
    _, flat = smoothed(graph, layers(graph), observed(graph, FEEDS), 1.0)
    (activation,) = flat.values()
    np.testing.assert_allclose(activation.largest_by_channel, 1.0, rtol=1e-5)
    changed, _ = smoothed(graph, layers(graph), observed(graph, FEEDS), 0.0)
    products = [node for node in changed.nodes if node.op_type == "MatMul"]
    rows = np.maximum(*(np.abs(changed.weights[node.input[1]].read()).max(axis=1) for node in products))
    np.testing.assert_allclose(rows, 1.0, rtol=1e-5)


def untouched(graph: Graph, names: list[str], feeds: list[Feed]) -> bool:
    before = observed(graph, feeds)
    changed, after = smoothed(graph, names, before, 0.5)
    return changed.weights.keys() == graph.weights.keys() and changed.nodes == graph.nodes and after == before


def test_nothing_is_done_where_something_else_reads_the_normalisation() -> None:
    with_residual = normalised(residual=True)
    assert untouched(with_residual, layers(with_residual), FEEDS)
    given_out = normalised()
    norm = given_out.nodes[0].output[0]
    given_out.outputs.append(helper.make_tensor_value_info(norm, TensorProto.FLOAT, [4, 8]))
    assert untouched(given_out, layers(given_out), FEEDS)


def test_nothing_is_done_where_a_reader_stays_in_float() -> None:
    graph = normalised()
    assert untouched(graph, layers(graph)[:1], FEEDS)
    assert untouched(graph, [], FEEDS)


def test_every_block_of_a_transformer_is_smoothed_where_it_can_be() -> None:
    graph = transformer()
    feeds = [TRANSFORMER_FEED]
    changed, _ = smoothed(graph, layers(graph), observed(graph, feeds), 0.5)
    norms = [node for node in changed.nodes if node.op_type == "LayerNormalization"]
    assert [norm.input[1].endswith("_smoothed") for norm in norms] == [True, True, False], "the last one is averaged"
    np.testing.assert_allclose(run(changed, TRANSFORMER_FEED), run(graph, TRANSFORMER_FEED), rtol=1e-3, atol=1e-3)

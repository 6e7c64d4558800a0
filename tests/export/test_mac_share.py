"""The share of multiply-adds in INT8: counted by hand, and by what ONNX Runtime says that it ran."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from libra_edge.calibration.samples import read_samples
from libra_edge.export.graph import Graph, write_graph
from libra_edge.export.graph_file import read_graph
from libra_edge.export.int8 import Int8Choice, to_int8, watched
from libra_edge.export.layers import product_macs, weighted_layers
from libra_edge.export.mac_share import ExecutedProduct, MacShare, executed_products, measure_mac_share
from libra_edge.export.progress import SilentProgress
from libra_edge.export.ranges import observe
from libra_edge.locate import MODELS
from libra_edge.model_directory import open_model_directory
from tests.export.small_graphs import ATTENTION_MACS, LAYERED_FEED, Feed, graph_of, layered, random
from tests.graph_builder import GraphBuilder

CONV, PROJECTION, HEAD = 16 * 8 * 8 * 3 * 3 * 3, 64 * 16 * 32, 32 * 20
LAYER_MACS = CONV + 2 * PROJECTION + HEAD


def measured(graph: Graph, feed: Feed, folder: Path) -> MacShare:
    write_graph(graph, folder / "planner.onnx")
    return measure_mac_share(folder / "planner.onnx", read_graph(folder / "planner.onnx"), feed)


def int8(graph: Graph, feed: Feed, without: str = "no layer") -> Graph:
    layers = weighted_layers(graph)
    seen = observe(graph, watched(graph, layers), [feed], SilentProgress())
    ranges = {name: activation.largest for name, activation in seen.items()}
    return to_int8(graph, Int8Choice([layer.name for layer in layers if without not in layer.name], ranges), "cpu")


def test_an_unquantised_model_has_none(tmp_path: Path) -> None:
    found = measured(layered(), LAYERED_FEED, tmp_path)
    assert found.share == 0.0
    assert sum(product.macs for product in found.products) == LAYER_MACS + ATTENTION_MACS
    assert len(found.in_float) == 6


def test_convolution_matrix_products_and_batches_are_counted_right(tmp_path: Path) -> None:
    found = measured(int8(layered(), LAYERED_FEED), LAYERED_FEED, tmp_path)
    assert sorted(product.macs for product in found.products if product.in_int8) == [HEAD, CONV, PROJECTION, PROJECTION]
    assert sum(product.macs for product in found.in_float) == ATTENTION_MACS
    assert found.share == LAYER_MACS / (LAYER_MACS + ATTENTION_MACS)


def test_a_layer_that_was_put_back_is_listed(tmp_path: Path) -> None:
    found = measured(int8(layered(), LAYERED_FEED, without="conv"), LAYERED_FEED, tmp_path)
    assert [product.macs for product in found.in_float][-1] == CONV
    assert any(product.name.startswith("/conv_0") for product in found.in_float)
    assert found.share == (LAYER_MACS - CONV) / (LAYER_MACS + ATTENTION_MACS)


def test_the_largest_in_float_comes_first_and_nothing_at_all_is_no_share() -> None:
    products = tuple(ExecutedProduct(str(macs), "MatMul", macs) for macs in (3, 9, 5))
    assert [product.macs for product in MacShare(products).in_float] == [9, 5, 3]
    assert MacShare(()).share == 0.0


def test_a_convolution_whose_weight_is_computed(tmp_path: Path) -> None:
    graph = GraphBuilder("computed")
    x = graph.input("x", TensorProto.FLOAT, [1, 2, 6, 6])
    scale = graph.input("scale", TensorProto.FLOAT, [1])
    graph.output("out", graph.node("Conv", x, graph.node("Mul", random(4, 2, 3, 3), scale)), [1, 4, 4, 4])
    feed: Feed = {"x": random(1, 2, 6, 6), "scale": random(1)}
    assert [one.macs for one in measured(graph_of(graph.model()), feed, tmp_path).products] == [4 * 4 * 4 * 2 * 3 * 3]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((5, 3), (3, 7)),
        ((2, 5, 3), (2, 3, 7)),
        ((2, 5, 3), (3, 7)),
        ((5, 3), (2, 3, 7)),
        ((2, 5, 3), (3,)),
        ((3,), (3, 7)),
    ],
)
def test_matrix_products_of_every_kind(left: tuple[int, ...], right: tuple[int, ...], tmp_path: Path) -> None:
    expected = np.matmul(random(*left), random(*right))
    macs = math.prod(expected.shape) * 3
    graph = GraphBuilder("product")
    names = [graph.input(name, TensorProto.FLOAT, list(shape)) for name, shape in (("a", left), ("b", right))]
    graph.output("out", graph.node("MatMul", *names), list(expected.shape))
    feed: Feed = {"a": random(*left), "b": random(*right)}
    product = graph_of(graph.model())
    assert [one.macs for one in measured(product, feed, tmp_path).products] == [macs]
    assert product_macs(product) == {"/matmul_0": macs}


def event(name: str, operator: str, left: list[int], output: list[int], kind: str = "Node") -> dict[str, Any]:
    shapes = {"input_type_shape": [{"float": left}], "output_type_shape": [{"float": output}]}
    return {"cat": kind, "name": f"{name}_kernel_time", "args": {"op_name": operator, **shapes}}


def test_a_product_that_takes_its_left_side_turned() -> None:
    events = [event("/q/MatMulScaleFusion/", "FusedMatMul", [4, 16, 64], [4, 64, 64])]
    assert executed_products(events, layered())[0].macs == 4 * 64 * 64 * 16


def test_names_of_convolutions_are_known_by_their_longest_beginning() -> None:
    graph = GraphBuilder("two")
    x = graph.input("x", TensorProto.FLOAT, [1, 2, 6, 6])
    graph.output("out", graph.node("Conv", graph.node("Conv", x, random(2, 2, 1, 1)), random(2, 2, 3, 3)), [1, 2, 4, 4])
    two = graph_of(graph.model())
    two.nodes[0].name, two.nodes[1].name = "/conv", "/conv/1"
    shape = [1, 2, 4, 4]
    found = executed_products([event("/conv/1_quant", "QLinearConv", [1, 2, 6, 6], shape), {"cat": "Session"}], two)
    assert found == [ExecutedProduct("/conv/1_quant", "QLinearConv", 32 * 2 * 9)]
    with pytest.raises(ValueError, match="executed with the convolution '/other', which the graph does not have"):
        executed_products([event("/other", "Conv", [1, 2, 6, 6], shape)], two)


def test_the_shipped_planner_by_hand(tmp_path: Path) -> None:
    """All layers in INT8, the eight products of attention not."""
    directory = open_model_directory(MODELS / "libra_base")
    planner = read_graph(directory.graph("planner"))
    feed = read_samples(directory.calibration, directory.spec).feed(0, tuple(directory.spec.planner_inputs()))
    found = measured(int8(planner, feed), feed, tmp_path)
    layers = sum(layer.macs for layer in weighted_layers(planner))
    everything = sum(product_macs(planner).values())
    assert found.share == layers / everything > 0.9
    assert len(found.in_float) == 8
    assert sum(one.macs for one in found.in_float) == everything - layers

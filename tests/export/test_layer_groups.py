"""Layers sorted by what they do: on models whose parts are known, and that nobody is left out or counted twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from libra_edge.export.graph_file import read_graph
from libra_edge.export.layer_groups import GROUPS, layer_groups
from libra_edge.export.layers import Layer, weighted_layers
from libra_edge.locate import MODELS
from tests.export.small_graphs import graph_of, layered, random, transformer
from tests.graph_builder import GraphBuilder


def counts(groups: Mapping[str, tuple[Layer, ...]]) -> dict[str, int]:
    return {group: len(layers) for group, layers in groups.items()}


def test_the_shipped_planner() -> None:
    groups = layer_groups(read_graph(MODELS / "libra_base" / "planner.onnx"))
    assert counts(groups) == {"vision tower": 7, "words and state": 1, "attention projections": 12, "FFN": 8, "head": 1}


def test_the_tiny_planner_which_does_not_attend(tiny: Path) -> None:
    groups = layer_groups(read_graph(tiny / "planner.onnx"))
    assert counts(groups) == {"vision tower": 4, "words and state": 1, "FFN": 2, "head": 1}


def test_a_transformer_in_small() -> None:
    graph = transformer()
    assert counts(layer_groups(graph)) == {
        "vision tower": 2,
        "words and state": 1,
        "attention projections": 4,
        "FFN": 2,
        "head": 1,
    }


@pytest.mark.parametrize("source", ["tiny", "libra_base", "layered", "transformer"])
def test_every_layer_is_in_exactly_one_group(source: str, tiny: Path) -> None:
    if source in ("tiny", "libra_base"):
        graph = read_graph((tiny if source == "tiny" else MODELS / source) / "planner.onnx")
    else:
        graph = layered() if source == "layered" else transformer()
    groups = layer_groups(graph)
    sorted_by_name = sorted((layer for layers in groups.values() for layer in layers), key=lambda layer: layer.name)
    assert sorted_by_name == sorted(weighted_layers(graph), key=lambda layer: layer.name)
    assert list(groups) == [group for group in GROUPS if group in groups]
    assert all(groups.values()), "groups without layers are left out"


def test_only_the_layers_given_are_sorted() -> None:
    graph = transformer()
    layers = weighted_layers(graph)
    assert layer_groups(graph, layers[:1]) == {"vision tower": layers[:1]}


def test_a_tower_that_sees_words_too_is_no_vision_tower() -> None:
    """And a layer on the state that attends belongs to attention, though it sees no picture."""
    graph = GraphBuilder("mixed")
    picture = graph.input("image_front", TensorProto.UINT8, [1, 4, 8])
    state = graph.input("state", TensorProto.FLOAT, [1, 4, 8])
    seen = graph.node("MatMul", graph.node("Cast", picture, to=TensorProto.FLOAT), random(8, 8))
    both = graph.node("MatMul", graph.node("Add", seen, state), random(8, 9)[:, :8].copy())
    query = graph.node("MatMul", state, random(8, 10)[:, :8].copy())
    scores = graph.node("MatMul", query, graph.node("Transpose", both, perm=[0, 2, 1]))
    graph.output("logits", graph.node("MatMul", scores, random(4, 3)), [1, 4, 3])
    groups = layer_groups(graph_of(graph.model()))
    assert {group: [layer.name for layer in layers] for group, layers in groups.items()} == {
        "vision tower": ["/matmul_1"],
        "attention projections": ["/matmul_3", "/matmul_4"],
        "head": ["/matmul_7"],
    }


def test_a_planner_of_words_alone() -> None:
    graph = GraphBuilder("words")
    words = graph.input("instruction", TensorProto.INT64, [1, 4])
    hidden = graph.node("MatMul", graph.node("Gather", random(9, 8), words), random(8, 8))
    graph.output("logits", graph.node("MatMul", graph.node("Relu", hidden), np.ones((8, 3), np.float32)), [1, 4, 3])
    assert counts(layer_groups(graph_of(graph.model()))) == {"words and state": 2}

"""Pictures are cast before they are moved: TensorRT takes bytes in no other operator."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from libra_edge.export.graph import Graph
from libra_edge.export.half import to_half
from libra_edge.export.picture_casts import cast_pictures_first
from tests.graph_of import checked, graph_of, run, shipped
from tests.half_graphs import many, many_feed, text_model


def readers_of_bytes(graph: Graph) -> set[str]:
    types = {tensor: element for tensor, (element, _) in graph.tensor_types().items()}
    return {node.op_type for node in graph.nodes if TensorProto.UINT8 in {types.get(tensor) for tensor in node.input}}


@pytest.mark.parametrize("name", ["planner", "refiner_encoder", "refiner_step"])
def test_in_the_shipped_graphs_only_casts_read_bytes(name: str) -> None:
    graph = shipped(name)
    first = cast_pictures_first(graph)
    assert readers_of_bytes(first) <= {"Cast"}
    assert readers_of_bytes(to_half(first, "fp16", ())) <= {"Cast"}
    checked(first)


def test_the_numbers_stay_the_same() -> None:
    graph = graph_of(many())
    assert readers_of_bytes(graph) == {"Slice", "Transpose", "Cast"}
    for found, expected in zip(run(cast_pictures_first(graph), many_feed()), run(graph, many_feed()), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_padding_in_bytes_and_two_pictures_in_one_are_cast_too() -> None:
    text = """
    padded (uint8[1,4,4,3] left, uint8[1,4,4,3] right) => (float[1,6,8,3] out) {
        both = Concat <axis = 2> (left, right)
        wide = Pad (both, pads, grey)
        out = Cast <to = 1> (wide)
    }"""
    weights = {"pads": np.array([0, 1, 0, 0, 0, 1, 0, 0]), "grey": np.array(127, np.uint8)}
    graph = graph_of(text_model(text, weights))
    rng = np.random.default_rng(0)
    feed = {name: rng.integers(0, 256, (1, 4, 4, 3), dtype=np.uint8) for name in ("left", "right")}
    first = cast_pictures_first(graph)
    assert readers_of_bytes(first) == {"Cast"}
    np.testing.assert_array_equal(run(first, feed)[0], run(graph, feed)[0])


@pytest.mark.parametrize(
    ("body", "clause"),
    [
        ("(uint8[4] out) { out = Max (image, image) }", r"^has node 'Max_out' \(Max\) that reads bytes of a picture"),
        ("(uint8[2,2] out) { out = Reshape (image, square) }", r"^has output 'out' in bytes of a picture"),
    ],
)
def test_what_needs_bytes_is_refused_by_name(body: str, clause: str) -> None:
    graph = graph_of(text_model(f"refused (uint8[4] image) => {body}", {"square": np.array([2, 2])}))
    with pytest.raises(ValueError, match=clause):
        cast_pictures_first(graph)

"""Graphs in memory: copies, names, neighbours, types; and that writing them holds one weight at a time."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from libra_edge.export import graph as graph_module
from libra_edge.export.graph import Graph, external_folder, model_of, named, write_graph
from libra_edge.export.graph_file import read_graph
from libra_edge.export.session import GraphSession
from libra_edge.export.weight import Weight
from tests.export.small_graphs import LAYERED_FEED, layered, run

MANY, SIDE = 5, 64


def test_a_copy_may_be_changed_and_shares_its_weights() -> None:
    graph = layered()
    before = model_of(graph, external=False).SerializeToString(deterministic=True)
    copy = graph.copy()
    copy.nodes[0].input[0] = "other"
    copy.nodes.pop()
    copy.inputs.pop()
    copy.outputs.pop()
    kept = copy.weights.pop("constant_0")
    assert graph.weights["constant_0"] is kept
    assert model_of(graph, external=False).SerializeToString(deterministic=True) == before


def test_neighbours_of_a_tensor() -> None:
    graph = layered()
    relu = next(node for node in graph.nodes if node.op_type == "Relu")
    assert graph.producers()[relu.output[0]] is relu
    assert [node.op_type for node in graph.consumers()[relu.output[0]]] == ["Reshape"]
    cells = next(node for node in graph.nodes if node.op_type == "Transpose")
    assert [node.op_type for node in graph.consumers()[cells.output[0]]] == ["MatMul", "MatMul"]


def test_a_node_that_reads_a_tensor_twice_is_one_reader() -> None:
    graph = layered()
    graph.nodes.append(helper.make_node("Mul", ["image", "image"], ["square"], name="/square"))
    assert [node.name for node in graph.consumers()["image"]] == ["/conv_0", "/square"]


def test_fresh_names_are_taken_by_nothing() -> None:
    graph = layered()
    assert graph.fresh("new") == "new"
    assert graph.fresh("constant_0") not in graph.weights
    assert graph.fresh("image") != "image"


def test_weights_without_a_reader_are_dropped_unless_they_are_an_output() -> None:
    graph = layered()
    known = set(graph.weights)
    graph.weights["unused"] = graph.weights["out_too"] = graph.weights["constant_0"]
    graph.outputs.append(helper.make_tensor_value_info("out_too", TensorProto.FLOAT, [16, 3, 3, 3]))
    graph.drop_unused_weights()
    assert set(graph.weights) == known | {"out_too"}


def test_types_and_shapes_of_inputs_weights_and_everything_between() -> None:
    types = layered().tensor_types()
    assert types["image"] == (TensorProto.FLOAT, (1, 3, 8, 8))
    assert types["constant_0"] == (TensorProto.FLOAT, (16, 3, 3, 3))
    assert types["conv_0"] == (TensorProto.FLOAT, (1, 16, 8, 8))
    assert types["reshape_2"] == (TensorProto.FLOAT, (1, 16, 64)), "from the numbers in a weight"
    assert types["out"] == (TensorProto.FLOAT, (1, 20))


def test_a_shape_that_is_not_known_is_none() -> None:
    graph = layered()
    graph.inputs[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    assert graph.tensor_types()["image"] == (TensorProto.FLOAT, None)


def test_nodes_get_names_of_their_own() -> None:
    def node(operator: str, output: list[str], name: str = "") -> onnx.NodeProto:
        return helper.make_node(operator, ["x"], output, name=name, doc_string="from elsewhere")

    nodes = [node("Relu", ["a"]), node("Relu", ["b"], "same"), node("Neg", ["c"], "same"), node("Odd", [])]
    nodes.append(node("Neg", ["d"], "Relu_a"))
    found = named(nodes)
    assert [one.name for one in found] == ["Relu_a", "same", "same_1", "Odd", "Relu_a_1"]
    assert not any(one.doc_string for one in found)
    assert nodes[0].name == "", "nodes that are given are left alone"


@pytest.fixture(params=["inline", "external"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether weights lie inside the file or beside it."""
    if request.param == "external":
        monkeypatch.setattr(graph_module, "INLINE_BYTES", 0)
    return str(request.param)


def test_a_graph_comes_back_as_it_was_written(way: str, tmp_path: Path) -> None:
    graph, advanced = layered(), [0]
    files = write_graph(graph, tmp_path / "g.onnx", advanced.append)
    assert files == [tmp_path / name for name in ("g.onnx", "g.onnx.data")[: 1 + (way == "external")]]
    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name for file in files]
    assert sum(advanced) == sum(weight.nbytes for weight in graph.weights.values())
    again = read_graph(tmp_path / "g.onnx")
    assert again.nodes == graph.nodes
    assert (again.name, again.opset, again.inputs, again.outputs) == (
        (graph.name, graph.opset, graph.inputs, graph.outputs)
    )
    assert list(again.weights) == list(graph.weights)
    for name, weight in graph.weights.items():
        assert (again.weights[name].dtype, again.weights[name].shape) == (weight.dtype, weight.shape)
        np.testing.assert_array_equal(again.weights[name].read(), weight.read())
    np.testing.assert_array_equal(run(again, LAYERED_FEED), run(graph, LAYERED_FEED))


def test_equal_graphs_give_equal_bytes(way: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one = write_graph(layered(), tmp_path / "g.onnx")
    other = write_graph(layered().copy(), tmp_path / "other" / "g.onnx")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_large_weights_lie_on_whole_pages_of_the_file_beside_and_small_ones_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_module, "INLINE_BYTES", 0)
    write_graph(layered(), tmp_path / "g.onnx")
    read = read_graph(tmp_path / "g.onnx")
    parts = {name: weight.part for name, weight in read.weights.items()}
    outside = {name: part for name, part in parts.items() if part is not None}
    assert {name for name, weight in read.weights.items() if weight.nbytes > graph_module.SMALL_BYTES} == set(outside)
    assert 0 < len(outside) < len(parts)
    assert {part.path for part in outside.values()} == {tmp_path / "g.onnx.data"}
    assert all(part.offset % graph_module.ALIGNMENT == 0 for part in outside.values())
    assert external_folder(read) == tmp_path
    assert external_folder(layered()) is None


def test_a_graph_whose_weights_lie_beside_it_runs_without_being_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_module, "INLINE_BYTES", 0)
    write_graph(layered(), tmp_path / "g.onnx")
    read = read_graph(tmp_path / "g.onnx")
    assert model_of(read, external=True).ByteSize() < 0.5 * model_of(read, external=False).ByteSize()
    expected = run(layered(), LAYERED_FEED)
    for source in (read, tmp_path / "g.onnx"):
        np.testing.assert_array_equal(GraphSession(source).run(LAYERED_FEED)["out"], expected)


class OneAtATime:
    """Weights that count their readings, and how many of their arrays live at once."""

    def __init__(self) -> None:
        self.readings = [0] * MANY
        self.most_alive = 0
        self._alive: list[weakref.ref[NDArray[Any]]] = []

    def weight(self, number: int) -> Weight:
        def read() -> NDArray[Any]:
            self.readings[number] += 1
            array = np.full((SIDE, SIDE), number, np.float32)
            self._alive.append(weakref.ref(array))
            self.most_alive = max(self.most_alive, sum(one() is not None for one in self._alive))
            return array

        return Weight(np.dtype(np.float32), (SIDE, SIDE), read)

    @property
    def alive(self) -> int:
        return sum(one() is not None for one in self._alive)


def test_weights_are_read_once_and_never_two_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_module, "INLINE_BYTES", 0)
    weights = OneAtATime()
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, SIDE])]
    outputs = [helper.make_tensor_value_info(f"x{MANY}", TensorProto.FLOAT, [1, SIDE])]
    names = ["x", *(f"x{number + 1}" for number in range(MANY))]
    nodes = [
        helper.make_node("MatMul", [names[number], f"w{number}"], [names[number + 1]], name=f"/{number}")
        for number in range(MANY)
    ]
    graph = Graph("many", 18, nodes, inputs, outputs, {f"w{n}": weights.weight(n) for n in range(MANY)})
    write_graph(graph.copy(), tmp_path / "g.onnx")
    assert weights.readings == [1] * MANY
    assert weights.most_alive == 1
    assert weights.alive == 0
    back = read_graph(tmp_path / "g.onnx").weights
    assert [float(back[f"w{number}"].read()[3, 5]) for number in range(MANY)] == list(range(MANY))

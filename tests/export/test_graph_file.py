"""ONNX files, whole and damaged: what is read, and which sentence names what cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from libra_edge.export import graph_file
from libra_edge.export.graph_file import read_graph

ONES = np.ones((4, 4), np.float32)
DATA = "planner.onnx.data"
PRODUCT = helper.make_node("MatMul", ["x", "w"], ["y"], name="/product")


def model(nodes: list[NodeProto], *weights: TensorProto, **domains: int) -> ModelProto:
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in names] for names in ("x", "y")
    )
    graph = helper.make_graph(nodes, "planner", inputs, outputs, weights)
    opsets = [helper.make_opsetid("", 18), *(helper.make_opsetid(name, number) for name, number in domains.items())]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def external(dtype: int = TensorProto.FLOAT, dims: tuple[int, ...] = (4, 4), **facts: Any) -> TensorProto:
    tensor = TensorProto(name="w", data_type=dtype, dims=dims)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in facts.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def weight(dtype: int = TensorProto.FLOAT) -> TensorProto:
    tensor = numpy_helper.from_array(ONES, "w")
    tensor.data_type = dtype
    return tensor


def written(folder: Path, proto: ModelProto, data: bytes | None = None) -> Path:
    path = folder / "planner.onnx"
    path.write_bytes(proto.SerializeToString())
    if data is not None:
        (folder / DATA).write_bytes(data)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ValueError, match=r"^(has|is|keeps|uses|cannot)") as caught:
        read_graph(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("facts", [{}, {"offset": 0}, {"length": 64}, {"offset": 8, "length": 64, "checksum": "x"}])
def test_external_weights_as_other_programs_write_them(tmp_path: Path, facts: dict[str, Any]) -> None:
    data = b"\0" * int(facts.get("offset", 0)) + ONES.tobytes()
    graph = read_graph(written(tmp_path, model([PRODUCT], external(location=DATA, **facts)), data))
    np.testing.assert_array_equal(graph.weights["w"].read(), ONES)


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (external(location="weights.bin"), f"keeps weight 'w' in 'weights.bin'; only {DATA} beside it"),
        (external(location=f"../{DATA}"), f"keeps weight 'w' in '../{DATA}'; only {DATA}"),
        (external(location=f"./{DATA}"), f"keeps weight 'w' in './{DATA}'; only {DATA}"),
        (external(location="/etc/hostname"), "keeps weight 'w' in '/etc/hostname'"),
        (external(), "keeps weight 'w' in None"),
        (external(location=DATA, offset=-4), "has weight 'w' whose offset in the external data is '-4'"),
        (external(location=DATA, offset="1e3"), "has weight 'w' whose offset in the external data is '1e3'"),
        (external(location=DATA, offset="٣"), "has weight 'w' whose offset"),
        (
            external(location=DATA, offset="9" * 400),
            f"has weight 'w' whose offset in the external data is '{'9' * 40}'",
        ),
        (external(location=DATA, offset=2**62), f"has weight 'w' beyond the end of {DATA} (64 bytes): it is truncated"),
        (external(location=DATA, offset=4), f"has weight 'w' beyond the end of {DATA} (64 bytes): it is truncated"),
        (external(location=DATA, length=-1), "has weight 'w' whose length in the external data is '-1'"),
        (external(location=DATA, length=63), f"has weight 'w' of 64 bytes, but 63 of them are in {DATA}"),
        (external(location=DATA, length=10**15), f"has weight 'w' of 64 bytes, but {10**15} of them are in {DATA}"),
        (external(location=DATA, dims=(-1, 4)), "has weight 'w' of shape [-1, 4]; sizes cannot be negative"),
        (external(location=DATA, dims=(-4, -4)), "has weight 'w' of shape [-4, -4]; sizes cannot be negative"),
        (external(location=DATA, dims=(2**32, 2**32)), f"has weight 'w' beyond the end of {DATA}"),
        (external(0, location=DATA), "has weight 'w' of type 0, which is none of ONNX's"),
        (external(99, location=DATA), "has weight 'w' of type 99, which is none of ONNX's"),
        (weight(0), "has weight 'w' of type 0, which is none of ONNX's"),
        (weight(99), "has weight 'w' of type 99, which is none of ONNX's"),
        (weight(TensorProto.STRING), "is not a valid ONNX model (STRING data"),
    ],
)
def test_a_weight_that_cannot_be_found_is_named(tmp_path: Path, tensor: TensorProto, words: str) -> None:
    assert refusal(written(tmp_path, model([PRODUCT], tensor), ONES.tobytes())).startswith(words)


def test_external_data_that_is_missing_or_cut_short(tmp_path: Path) -> None:
    path = written(tmp_path, model([PRODUCT], external(location=DATA)))
    assert refusal(path) == f"keeps its weights in {DATA}, which is not there; copy it beside the graph"
    (tmp_path / DATA).write_bytes(ONES.tobytes()[:-1])
    assert refusal(path) == f"has weight 'w' beyond the end of {DATA} (63 bytes): it is truncated"


def constant(**value: Any) -> NodeProto:
    return helper.make_node("Constant", [], ["c"], name="/constant", **value)


def test_a_node_does_not_read_files_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / DATA).write_bytes(ONES.tobytes())
    path = written(tmp_path / "model", model([constant(value=external(location=DATA)), PRODUCT], weight()), b"0" * 64)
    assert refusal(path) == "has node '/constant' (Constant) with external data; only weights may lie there"


@pytest.mark.parametrize(
    ("value", "array"),
    [
        ({"value": numpy_helper.from_array(ONES)}, ONES),
        ({"value": numpy_helper.from_array(np.array(3))}, np.array(3)),
        ({"value_float": 0.5}, np.array(0.5, np.float32)),
        ({"value_floats": [0.5, 2.0]}, np.array([0.5, 2.0], np.float32)),
        ({"value_int": -1}, np.array(-1)),
        ({"value_ints": [1, 2, 3]}, np.array([1, 2, 3])),
    ],
)
def test_constants_of_numbers_are_weights(tmp_path: Path, value: dict[str, Any], array: np.ndarray[Any, Any]) -> None:
    graph = read_graph(written(tmp_path, model([constant(**value), PRODUCT], weight())))
    assert [node.op_type for node in graph.nodes] == ["MatMul"]
    found = graph.weights["c"]
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found.read(), array)


@pytest.mark.parametrize(
    "value",
    [
        {"value_string": "text"},
        {"value_strings": ["one", "two"]},
        {
            "sparse_value": helper.make_sparse_tensor(
                numpy_helper.from_array(ONES[0], "v"), numpy_helper.from_array(np.arange(4), "i"), [8]
            )
        },
    ],
)
def test_constants_of_another_kind_are_refused(tmp_path: Path, value: dict[str, Any]) -> None:
    (name,) = value
    said = refusal(written(tmp_path, model([constant(**value), PRODUCT], weight())))
    assert said == f"has node '/constant' (Constant) with {name}; only plain tensors are supported"


def test_a_node_without_an_output_has_a_name_too(tmp_path: Path) -> None:
    graph = read_graph(
        written(tmp_path, model([PRODUCT, helper.make_node("Log", ["x"], [], domain="odd")], weight(), odd=1))
    )
    assert [node.name for node in graph.nodes] == ["/product", "Log"]


def no_opset(proto: ModelProto) -> None:
    del proto.opset_import[:]


def sparse(proto: ModelProto) -> None:
    values, places = numpy_helper.from_array(ONES[0], "v"), numpy_helper.from_array(np.arange(4), "i")
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [8]))


def function(proto: ModelProto) -> None:
    identity = helper.make_node("Identity", ["a"], ["b"])
    proto.functions.append(helper.make_function("odd", "Same", ["a"], ["b"], [identity], proto.opset_import))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_opset, "is not a valid ONNX model (it names no opset: it is empty, or truncated)"),
        (sparse, "has sparse weights; save them as dense tensors"),
        (function, "has the local function 'Same'; save it inlined"),
        (lambda proto: proto.graph.initializer.append(weight()), "is not a valid ONNX model (w initializer name"),
        (lambda proto: proto.graph.node.append(PRODUCT), "is not a valid ONNX model ("),
        (lambda proto: proto.ClearField("graph"), "is not a valid ONNX model ("),
    ],
)
def test_models_that_are_not_understood(tmp_path: Path, change: Callable[[ModelProto], None], words: str) -> None:
    proto = model([PRODUCT], weight())
    change(proto)
    assert refusal(written(tmp_path, proto)).startswith(words)


def test_files_that_are_no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(tmp_path / "none.onnx").startswith("cannot be read, it is truncated or not ONNX (")
    path = written(tmp_path, model([PRODUCT], weight()))
    path.write_bytes(path.read_bytes()[:-9])
    assert refusal(path).startswith("cannot be read, it is truncated or not ONNX (")
    monkeypatch.setattr(graph_file, "MAX_FILE_BYTES", 16)
    assert refusal(path) == "is larger than 2 GiB; save its weights as external data"

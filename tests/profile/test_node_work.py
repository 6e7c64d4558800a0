"""What a graph asks of a machine, before anything runs: kinds, FLOPs, bytes of weights and of tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from libra_edge.profiling.executed_work import on_onnxruntime, on_tensorrt
from libra_edge.profiling.node_work import node_work
from tests.graph_builder import GraphBuilder
from tests.profile.small_graphs import (
    attention_graph,
    convolution_graph,
    graph_of,
    int8_product_graph,
    product_graph,
)

FP32 = 4


def kinds(path: Path) -> list[str]:
    return [node.kind for node in node_work(graph_of(path))]


def test_a_product_and_its_bytes(tmp_path: Path) -> None:
    product, _ = node_work(graph_of(product_graph(tmp_path / "g.onnx")))
    assert (product.kind, product.precision, product.flops, product.rows) == ("product", "fp32", 1024, 4)
    assert product.weight_bytes == FP32 * 8 * 16
    assert (product.inputs, list(product.outputs.values())) == ({"x": FP32 * 32}, [FP32 * 64])


def test_weights_of_an_int8_product_are_read_as_they_are_stored(tmp_path: Path) -> None:
    nodes = node_work(graph_of(int8_product_graph(tmp_path / "g.onnx")))
    assert [node.operator for node in nodes] == ["QuantizeLinear", "DequantizeLinear", "MatMul", "Sub", "Identity"]
    assert (nodes[2].precision, nodes[2].weight_bytes) == ("int8", 8 * 16)


def test_a_weight_that_is_cast_is_read_as_it_is_multiplied(tmp_path: Path) -> None:
    builder = GraphBuilder("cast")
    given = builder.input("x", TensorProto.FLOAT, [4, 8])
    weight = builder.node("Cast", np.ones((8, 16), np.float16), to=TensorProto.FLOAT)
    builder.output("y", builder.node("MatMul", given, weight), [4, 16])
    save(builder.model(), tmp_path / "g.onnx")
    product, _ = node_work(graph_of(tmp_path / "g.onnx"))
    assert product.weight_bytes == FP32 * 8 * 16


def test_kinds_of_attention(tmp_path: Path) -> None:
    path = attention_graph(tmp_path / "g.onnx")
    assert kinds(path) == ["turned", "batched", "pointwise", "softmax", "batched", "view", "view"]
    assert kinds(convolution_graph(tmp_path / "c.onnx"))[:2] == ["convolution", "pointwise"]


def test_a_shape_that_nobody_knows_is_said(tmp_path: Path) -> None:
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 8])
    gives = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 8])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "open", [given], [gives])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), tmp_path / "g.onnx")
    with pytest.raises(ValueError, match="has the tensor 'x', whose shape is not known"):
        node_work(graph_of(tmp_path / "g.onnx"))


def test_onnxruntime_drops_the_dequantising_and_keeps_the_bias_apart(tmp_path: Path) -> None:
    tasks = on_onnxruntime(node_work(graph_of(int8_product_graph(tmp_path / "g.onnx"))))
    assert [(task.kind, task.precision) for task in tasks] == [
        ("quantise", "int8"),
        ("product", "int8"),
        ("pointwise", "fp32"),
        ("view", "fp32"),
    ]
    assert tasks[1].tensor_bytes == 4 * 8 + FP32 * 4 * 16, "it reads what was quantised"


def test_tensorrt_makes_two_tasks_of_the_same(tmp_path: Path) -> None:
    quantise, product = on_tensorrt(node_work(graph_of(int8_product_graph(tmp_path / "g.onnx"))))
    assert (quantise.kind, product.kind) == ("quantise", "product")
    assert product.weight_bytes == 8 * 16 + FP32 * 16
    assert product.tensor_bytes == 4 * 8 + FP32 * 4 * 16, "what lies between product and bias is never written"


def test_a_relu_rides_along_with_its_convolution(tmp_path: Path) -> None:
    tasks = on_onnxruntime(node_work(graph_of(convolution_graph(tmp_path / "g.onnx"))))
    assert [task.kind for task in tasks] == ["convolution", "view"]
    assert tasks[0].flops == 2 * (5 * 8 * 8) * 27


def test_what_two_read_is_written_for_both(tmp_path: Path) -> None:
    builder = GraphBuilder("two")
    given = builder.input("x", TensorProto.FLOAT, [4, 8])
    product = builder.node("MatMul", given, np.ones((8, 8), np.float32))
    builder.output("y", builder.node("Mul", builder.node("Relu", product), product), [4, 8])
    save(builder.model(), tmp_path / "g.onnx")
    for executed in (on_onnxruntime, on_tensorrt):
        tasks = executed(node_work(graph_of(tmp_path / "g.onnx")))
        assert tasks[0].kind == "product"
        assert tasks[1].kind == "pointwise", "the product has two readers, so none of them joins it"


def test_no_flop_and_no_weight_is_lost_by_fusing(tmp_path: Path) -> None:
    for make in (product_graph, int8_product_graph, convolution_graph, attention_graph):
        nodes = node_work(graph_of(make(tmp_path / "g.onnx")))
        for executed in (on_onnxruntime, on_tensorrt):
            tasks = executed(nodes)
            assert sum(task.flops for task in tasks) == sum(node.flops for node in nodes)
            stored = sum(node.weight_bytes for node in nodes if node.operator != "DequantizeLinear")
            assert sum(task.weight_bytes for task in tasks) == stored

"""Biases leave their layers without a bit of difference, and the quantised layers really run in INT8."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from libra_edge.calibration.samples import read_samples
from libra_edge.export.int8 import to_int8
from libra_edge.export.layers import separate_biases, weighted_layers
from libra_edge.export.progress import SilentProgress
from libra_edge.model_directory import open_model_directory
from tests.graph_builder import GraphBuilder

FLOAT_LAYERS = {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul"}
INT8_LAYERS = {"QLinearConv", "MatMulIntegerToFloat", "QLinearMatMul", "QGemm"}


def random(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(list(shape)).standard_normal(shape).astype(np.float32)


def run(model: ModelProto, feed: dict[str, NDArray[Any]], optimised: Path | None = None) -> NDArray[Any]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    if optimised:
        options.optimized_model_filepath = str(optimised)
    session = ort.InferenceSession(model.SerializeToString(), options)
    result: NDArray[Any] = session.run(None, feed)[0]
    return result


def operators(model: ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def layered() -> ModelProto:
    """Conv with a bias, MatMul + Add, two projections of one tensor, and Gemm with a transposed weight."""
    graph = GraphBuilder("layers")
    image = graph.input("image", TensorProto.FLOAT, [1, 3, 8, 8])
    seen = graph.node("Relu", graph.node("Conv", image, random(16, 3, 3, 3), random(16), pads=[1, 1, 1, 1]))
    cells = graph.node("Transpose", graph.node("Reshape", seen, np.array([1, 16, 64])), perm=[0, 2, 1])
    query = graph.node("Add", graph.node("MatMul", cells, random(16, 32)), random(32))
    key = graph.node("Add", random(33)[:32], graph.node("MatMul", cells, random(16, 33)[:, :32].copy()))
    weights = graph.node("Softmax", graph.node("MatMul", query, graph.node("Transpose", key, perm=[0, 2, 1])))
    pooled = graph.node("ReduceMean", graph.node("MatMul", weights, key), np.array([1]), keepdims=0)
    graph.output("out", graph.node("Gemm", pooled, random(20, 32), random(20), transB=1), [1, 20])
    return graph.model()


FEED = {"image": random(1, 3, 8, 8)}


def test_separating_biases_changes_no_bit_of_the_sums() -> None:
    model = layered()
    separated = separate_biases(model)
    onnx.checker.check_model(separated, full_check=True)
    assert operators(separated)["Gemm"] == operators(separated)["Add"] == 0
    assert all(len(node.input) == 2 for node in separated.graph.node if node.op_type == "Conv")
    np.testing.assert_allclose(run(separated, FEED), run(model, FEED), rtol=0, atol=2e-6)


def test_only_products_with_weights_are_layers() -> None:
    separated = separate_biases(layered())
    assert operators(separated)["MatMul"] == 5
    assert len(weighted_layers(separated)) == 1 + 2 + 1


def test_a_scaled_gemm_is_left_as_it_is() -> None:
    graph = GraphBuilder("scaled")
    x = graph.input("x", TensorProto.FLOAT, [1, 4])
    graph.output("out", graph.node("Gemm", x, random(4, 4), random(4), alpha=0.5), [1, 4])
    assert operators(separate_biases(graph.model()))["Gemm"] == 1


def test_every_layer_really_runs_in_int8(tmp_path: Path) -> None:
    """Read from the graph as ONNX Runtime has optimised it: only the two products of activations stay in FP32."""
    quantised = to_int8(layered(), [FEED] * 4, SilentProgress())
    run(quantised, FEED, tmp_path / "optimised.onnx")
    ran = operators(onnx.load(tmp_path / "optimised.onnx"))
    assert sum(ran[name] for name in INT8_LAYERS) == 4
    assert sum(ran[name] for name in FLOAT_LAYERS) == 2


def test_the_tiny_planner_runs_in_int8_throughout(tiny_bundle: Path, tmp_path: Path, tiny: Path) -> None:
    directory = open_model_directory(tiny)
    feed = read_samples(directory.calibration, directory.spec).feed(0, directory.spec.planner_inputs())
    run(onnx.load(tiny_bundle / "cpu" / "planner.onnx"), feed, tmp_path / "optimised.onnx")
    ran = operators(onnx.load(tmp_path / "optimised.onnx"))
    assert sum(ran[name] for name in FLOAT_LAYERS) == 0
    assert sum(ran[name] for name in INT8_LAYERS) == 2 + 2 + 4


def test_the_form_is_what_tensorrt_takes(tiny_bundle: Path) -> None:
    """INT8 with zero points of zero, a scale a channel for weights, and no INT32 bias."""
    model = onnx.load(tiny_bundle / "cpu" / "planner.onnx")
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    weights = {name: array for name, array in arrays.items() if array.dtype == np.int8 and array.ndim >= 2}
    zero_points = {node.input[2] for node in model.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")}
    scaled = [node for node in model.graph.node if node.op_type == "DequantizeLinear" and node.input[0] in weights]
    assert len(weights) == len(scaled) == 2 + 2 + 4
    assert all(arrays[name].dtype == np.int8 and not arrays[name].any() for name in zero_points)
    assert all(arrays[node.input[1]].ndim == 1 for node in scaled)
    assert not any(array.dtype == np.int32 for array in arrays.values())


@pytest.mark.parametrize("names", [True, False])
def test_nodes_need_no_names(names: bool) -> None:
    model = layered()
    for node in model.graph.node:
        node.name = node.name if names else ""
    quantised = to_int8(model, [FEED] * 4, SilentProgress())
    assert sum(node.op_type == "QuantizeLinear" for node in quantised.graph.node) == 4 + 1

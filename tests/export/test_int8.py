"""INT8 of both targets: the form that each backend takes, the error of a rounding, and what really runs in INT8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from libra_edge.bundle import Target
from libra_edge.export.conversion import TENSORRT_OPSET
from libra_edge.export.graph import Graph
from libra_edge.export.int8 import Int8Choice, to_int8, watched
from libra_edge.export.layers import weighted_layers
from libra_edge.export.opset import raised_to
from libra_edge.export.progress import SilentProgress
from libra_edge.export.ranges import observe
from tests.export.small_graphs import (
    LAYERED_FEED,
    TRANSFORMER_FEED,
    Feed,
    checked,
    graph_of,
    layered,
    operators,
    random,
    run,
    transformer,
)
from tests.graph_builder import GraphBuilder

FLOAT_LAYERS = {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul"}
INT8_LAYERS = {"QLinearConv", "MatMulIntegerToFloat", "QLinearMatMul", "QGemm"}
QUANTISERS = ("QuantizeLinear", "DequantizeLinear")
TARGETS: tuple[Target, ...] = ("cpu", "tensorrt")
both = pytest.mark.parametrize("target", TARGETS)


def ranges_of(graph: Graph, feed: Feed) -> dict[str, float]:
    wanted = watched(graph, weighted_layers(graph))
    return {name: seen.largest for name, seen in observe(graph, wanted, [feed], SilentProgress()).items()}


def quantised(graph: Graph, feed: Feed, target: Target, without: str = "no layer") -> Graph:
    names = [layer.name for layer in weighted_layers(graph) if without not in layer.name]
    return to_int8(graph, Int8Choice(names, ranges_of(graph, feed)), target)


def linear(weight: NDArray[Any], name: str = "x") -> Graph:
    graph = GraphBuilder("linear")
    x = graph.input(name, TensorProto.FLOAT, [1, len(weight)])
    graph.output("out", graph.node("MatMul", x, weight.astype(np.float32)), [1, weight.shape[1]])
    return graph_of(graph.model())


def dequantised(graph: Graph) -> NDArray[np.float32]:
    """The weight of `linear`, from the INT8 that stands for it."""
    node = next(node for node in graph.nodes if node.op_type == "DequantizeLinear" and node.input[0] in graph.weights)
    values, scales, zero_points = (graph.weights[name].read() for name in node.input)
    assert not zero_points.any()
    return values.astype(np.float32) * scales


@both
def test_what_is_watched_is_all_that_quantising_asks_for(target: Target) -> None:
    graph = layered()
    assert set(watched(graph, weighted_layers(graph))) == {
        "image",
        "transpose_3",
        "reducemean_12",
        "product of /conv_0",
    }
    checked(quantised(graph, LAYERED_FEED, target))


@both
@pytest.mark.parametrize(("make", "feed"), [(layered, LAYERED_FEED), (transformer, TRANSFORMER_FEED)])
def test_it_still_computes_the_same_and_leaves_the_graph_alone(target: Target, make: Any, feed: Feed) -> None:
    graph = make()
    before = checked(graph).SerializeToString(deterministic=True)
    expected, found = run(graph, feed), run(quantised(graph, feed, target), feed)
    assert 0 < np.linalg.norm(found - expected) < 0.05 * np.linalg.norm(expected)
    assert checked(graph).SerializeToString(deterministic=True) == before


def test_every_layer_really_runs_in_int8(tmp_path: Path) -> None:
    """Read from the graph as ONNX Runtime has optimised it: only the two products of activations stay in FP32."""
    for make, feed, layers in ((layered, LAYERED_FEED, 4), (transformer, TRANSFORMER_FEED, 10)):
        run(quantised(make(), feed, "cpu"), feed, tmp_path / "optimised.onnx")
        ran = operators(onnx.load(tmp_path / "optimised.onnx"))
        assert sum(ran[name] for name in INT8_LAYERS) == layers
        assert sum(ran[name] for name in FLOAT_LAYERS) == 2


def test_a_layer_that_is_not_chosen_stays_in_float(tmp_path: Path) -> None:
    run(quantised(layered(), LAYERED_FEED, "cpu", without="gemm"), LAYERED_FEED, tmp_path / "optimised.onnx")
    ran = operators(onnx.load(tmp_path / "optimised.onnx"))
    assert sum(ran[name] for name in INT8_LAYERS) == 3
    assert sum(ran[name] for name in FLOAT_LAYERS) == 3


def test_on_cpu_each_layer_has_a_quantiser_of_its_own_with_a_scale_apart() -> None:
    graph = quantised(layered(), LAYERED_FEED, "cpu")
    shared = [node for node in graph.nodes if node.op_type == "QuantizeLinear" and node.input[0] == "transpose_3"]
    scales = [float(graph.weights[node.input[1]].read()) for node in shared]
    assert len(shared) == len(set(scales)) == 2
    assert scales[0] == pytest.approx(scales[1], rel=1e-6)
    assert operators(graph)["QuantizeLinear"] == 4 + 1, "and the product of the convolution"


def test_for_tensorrt_a_tensor_has_one_quantiser_and_scales_are_fp16_numbers() -> None:
    graph = quantised(layered(), LAYERED_FEED, "tensorrt")
    quantisers = [node for node in graph.nodes if node.op_type == "QuantizeLinear"]
    assert len(quantisers) == len({node.input[0] for node in quantisers}) == 3
    for node in graph.nodes:
        if node.op_type in QUANTISERS:
            scale = graph.weights[node.input[1]].read()
            np.testing.assert_array_equal(scale, scale.astype(np.float16).astype(np.float32))
    (conv,) = (node for node in graph.nodes if node.op_type == "Conv")
    assert len(conv.input) == 3
    assert not any(node.op_type == "QuantizeLinear" and node.input[0] == conv.output[0] for node in graph.nodes)


@both
def test_weights_have_a_scale_a_channel_and_nothing_has_a_zero_point_or_is_int32(target: Target) -> None:
    graph = quantised(layered(), LAYERED_FEED, target)
    for node in graph.nodes:
        if node.op_type in QUANTISERS:
            scale, zero_point = (graph.weights[name].read() for name in node.input[1:])
            assert zero_point.dtype == np.int8
            assert not zero_point.any()
            weight = graph.weights.get(node.input[0])
            assert scale.shape == zero_point.shape == (() if weight is None else (weight.shape[node.attribute[0].i],))
    stored = [weight for weight in graph.weights.values() if weight.dtype == np.int8 and len(weight.shape) >= 2]
    assert len(stored) == 4
    assert not any(weight.dtype == np.int32 for weight in graph.weights.values())


weights = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(-(2.0**14), 2.0**14, width=32)
)


@both
@given(weight=weights)
def test_a_weight_is_off_by_half_a_step_at_most(target: Target, weight: NDArray[np.float32]) -> None:
    graph = to_int8(linear(weight), Int8Choice(["/matmul_0"], {"x": 1.0}), target)
    (scales,) = (graph.weights[name].read() for name in graph.weights if name == "constant_0_scale")
    error = np.abs(dequantised(graph).astype(np.float64) - weight)
    assert np.all(error <= scales.astype(np.float64) / 2 * (1 + 1e-6))


@both
@pytest.mark.parametrize("largest", [0.0, 1e-42, 1e-20, 1.0, 1e7, 1e30])
def test_scales_are_numbers_that_divide(target: Target, largest: float) -> None:
    """Nothing at all, less than a scale can say, and more than FP16 can say: never 0, never infinite."""
    weight = random(4, 4)
    weight[:, 1] = 0
    weight[:, 2] *= np.float32(min(largest, 1e6))
    graph = to_int8(linear(weight), Int8Choice(["/matmul_0"], {"x": largest}), target)
    dtype: type[np.floating[Any]] = np.float16 if target == "tensorrt" else np.float32
    for name, stored in graph.weights.items():
        if "scale" in name:
            scale = stored.read().astype(dtype)
            assert np.all(np.isfinite(scale) & (scale > 0))
    assert np.all(np.isfinite(run(graph, {"x": random(1, 4)})))
    assert float(graph.weights["constant_0_scale"].read()[1]) == 1.0


def test_names_of_the_graph_are_not_taken_over() -> None:
    """The weight of a normalisation that is called as a scale would be."""
    graph = linear(random(4, 4))
    graph.nodes[0].output[0] = "product"
    graph.weights["x_scale"] = graph.weights["x_quantised"] = graph.weights["constant_0"]
    graph.nodes.insert(1, helper.make_node("Mul", ["product", "x_scale"], ["scaled"], name="x_quantise"))
    graph.nodes[2].input[0] = "scaled"
    graph.outputs[0].type.tensor_type.shape.dim[0].dim_value = 4
    feed = {"x": random(1, 4)}
    changed = to_int8(graph, Int8Choice(["/matmul_0"], {"x": float(np.abs(feed["x"]).max())}), "cpu")
    assert changed.weights["x_scale"] is graph.weights["x_scale"]
    assert len({node.name for node in changed.nodes}) == len(changed.nodes)
    np.testing.assert_allclose(run(changed, feed), run(graph, feed), atol=0.1)


@both
def test_a_weight_that_two_layers_share_is_stored_once(target: Target) -> None:
    graph = linear(random(4, 4))
    first = graph.nodes[0]
    first.output[0] = "between"
    graph.nodes.insert(1, helper.make_node("MatMul", ["between", "constant_0"], ["matmul_0"], name="/again"))
    choice = Int8Choice(["/matmul_0", "/again"], {"x": 3.0, "between": 9.0})
    changed = to_int8(graph, choice, target)
    assert sum(weight.nbytes for weight in changed.weights.values() if weight.dtype == np.int8) == 16 + 4 + 2
    checked(raised_to(changed))


def test_weights_are_quantised_when_they_are_written() -> None:
    graph = linear(random(4, 4))
    changed = to_int8(graph, Int8Choice(["/matmul_0"], {"x": 1.0}), "cpu")
    one, again = (changed.weights["constant_0_int8"].read() for _ in range(2))
    assert one is not again
    np.testing.assert_array_equal(one, again)


def test_the_tiny_planner_runs_in_int8_throughout(tiny_bundle: Path, tmp_path: Path) -> None:
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 4
    ort.InferenceSession(str(tiny_bundle / "cpu" / "planner.onnx"), options)
    ran = operators(onnx.load(tmp_path / "optimised.onnx"))
    assert sum(ran[name] for name in FLOAT_LAYERS) == 0
    assert sum(ran[name] for name in INT8_LAYERS) == 2 + 2 + 4


def test_the_form_of_the_written_planners(tiny_bundle: Path) -> None:
    """INT8 with zero points of zero and no INT32; for TensorRT FP16 comes out of it, which takes opset 19 or more."""
    for target in TARGETS:
        model = onnx.load(tiny_bundle / target / "planner.onnx")
        arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        nodes = [node for node in model.graph.node if node.op_type in QUANTISERS]
        assert sum(arrays[node.input[0]].dtype == np.int8 for node in nodes if node.input[0] in arrays) == 2 + 2 + 4
        assert not any(arrays[node.input[2]].any() for node in nodes)
        back = [arrays[node.input[1]] for node in nodes if node.op_type == "DequantizeLinear"]
        assert {scale.dtype for scale in back} == {np.dtype("f2" if target == "tensorrt" else "f4")}
        assert not any(array.dtype == np.int32 for array in arrays.values())
        assert model.opset_import[0].version == (TENSORRT_OPSET if target == "tensorrt" else 18)


@pytest.mark.parametrize("names", [True, False])
def test_nodes_need_no_names(names: bool) -> None:
    model = checked(layered())
    for node in model.graph.node:
        node.name = node.name if names else ""
    changed = quantised(graph_of(model), LAYERED_FEED, "cpu")
    assert operators(changed)["QuantizeLinear"] == 4 + 1

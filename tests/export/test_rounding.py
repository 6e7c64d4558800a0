"""16-bit arithmetic on a CPU: every number is rounded that hardware rounds, and what ONNX Runtime does without that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, load, numpy_helper
from onnx.reference import ReferenceEvaluator

from libra_edge.export import graph as graph_module
from libra_edge.export.graph import Graph, model_of, write_graph
from libra_edge.export.half import to_half
from libra_edge.export.half_format import FORMATS, Half
from libra_edge.export.rounding import rounded
from libra_edge.export.weight import FilePart, Weight, of_array, of_file
from tests.graph_of import EVERY_LEVEL, checked, graph_of, optimised, run, shipped
from tests.half_graphs import ATTENTION, attention_weights, many, many_feed, quantised, text_model

Array = NDArray[Any]
HALVES: tuple[Half, ...] = ("fp16", "bf16")
GRAPHS = ("planner", "refiner_encoder", "refiner_step")

THERE_AND_BACK = "there (float[4] x) => (float[4] out) { up = Mul (x, large) out = Mul (up, small) }"
"""Overflows FP16 in between where x is 70 or more."""
X = np.array([1, 70, -1000, 0.3], np.float32)


def there_and_back() -> Graph:
    weights = {"large": np.array(1000, np.float32), "small": np.array(1 / 1024, np.float32)}
    return graph_of(text_model(THERE_AND_BACK, weights))


def feed_of(graph: Graph, seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    feed: dict[str, Array] = {}
    for value in graph.inputs:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if value.type.tensor_type.elem_type == TensorProto.UINT8:
            feed[value.name] = rng.integers(0, 256, shape, dtype=np.uint8)
        elif value.type.tensor_type.elem_type == TensorProto.INT64:
            feed[value.name] = rng.integers(0, 5, shape)
        else:
            feed[value.name] = rng.standard_normal(shape).astype(np.float32)
    return feed


@pytest.mark.parametrize("level", EVERY_LEVEL)
def test_overflow_shows_as_on_hardware(level: ort.GraphOptimizationLevel) -> None:
    expected = np.array([0.9765625, np.inf, -np.inf, 0.29296875], np.float32)
    np.testing.assert_array_equal(run(rounded(to_half(there_and_back(), "fp16", ())), {"x": X}, level)[0], expected)


@pytest.mark.parametrize("level", EVERY_LEVEL)
def test_onnx_runtime_alone_leaves_16_bit_intermediates_unrounded(level: ort.GraphOptimizationLevel) -> None:
    """The reason for all this. Once this test is red, ONNX Runtime rounds by itself and `rounded` may go."""
    found = run(to_half(there_and_back(), "fp16", ()), {"x": X}, level)[0]
    np.testing.assert_allclose(found, X * 1000 / 1024, rtol=1e-3)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("level", EVERY_LEVEL)
def test_casts_round_to_nearest_even_and_overflow_to_infinity(half: Half, level: ort.GraphOptimizationLevel) -> None:
    rng = np.random.default_rng(0)
    extremes = [1e6, -1e6, 65519.99, 65520, 3.4e38, 1e-8, np.inf, -np.inf, np.nan]
    x = (rng.standard_normal(4096) * np.exp(rng.uniform(-20, 12, 4096))).astype(np.float32)
    x[: len(extremes)] = extremes
    graph = graph_of(
        text_model("one (float[4096] x) => (float[4096] out) { out = Mul (x, one) }", {"one": np.array(1, np.float32)})
    )
    with np.errstate(over="ignore"):
        expected = x.astype(FORMATS[half].dtype).astype(np.float32)
    np.testing.assert_array_equal(run(rounded(to_half(graph, half, ())), {"x": x}, level)[0], expected)


@pytest.mark.parametrize("half", HALVES)
def test_an_attention_equals_numpy_with_every_intermediate_rounded(half: Half) -> None:
    graph = graph_of(text_model(ATTENTION, attention_weights()))
    dtype = FORMATS[half].dtype

    def r(values: Array) -> Array:
        return values.astype(dtype).astype(np.float32)

    weights = {name: r(value) for name, value in attention_weights(-16384.0).items()}
    for seed in range(20):
        x = np.random.default_rng(seed).standard_normal((1, 4, 8)).astype(np.float32)
        h = r(x)
        scores = r(r(h @ weights["query_matrix"]) @ h.transpose(0, 2, 1))
        masked = r(r(scores * weights["quarter"]) + weights["mask"])
        powers = np.exp(masked - masked.max(axis=-1, keepdims=True))
        shares = r(powers / powers.sum(axis=-1, keepdims=True))
        expected = r(np.maximum(r(shares @ h), 0) + weights["offset"])
        found = run(rounded(to_half(graph, half, ())), {"x": x})[0]
        steps = np.abs(found - expected) / np.spacing(np.abs(expected).astype(dtype)).astype(np.float32)
        assert steps.max() <= 1
        assert np.mean(steps == 0) > 0.9


def test_the_reference_evaluator_of_the_16_bit_graph_agrees() -> None:
    halved = to_half(graph_of(text_model(ATTENTION, attention_weights())), "fp16", ())
    x = np.random.default_rng(0).standard_normal((1, 4, 8)).astype(np.float32)
    expected = ReferenceEvaluator(model_of(halved, external=False)).run(None, {"x": x})
    assert isinstance(expected, list)
    np.testing.assert_allclose(run(rounded(halved), {"x": x})[0], expected[0], atol=2e-3)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("name", GRAPHS)
def test_of_the_shipped_graphs_no_rounding_is_optimised_away(name: str, half: Half, tmp_path: Path) -> None:
    graph = shipped(name)
    feed = feed_of(graph)
    emulated = rounded(to_half(graph, half, ()))
    checked(emulated)
    found, exact = run(emulated, feed)[0], run(graph, feed)[0]
    assert 0 < np.abs(found - exact).max() < (0.005 if half == "fp16" else 0.05) * np.abs(exact).max()
    pictures = sum(array.dtype == np.uint8 for array in feed.values())  # bytes are exact: their pairs may go
    kept = roundings(optimised(emulated, feed, tmp_path / "optimised.onnx"), half)
    assert kept == roundings(emulated.nodes, half) - pictures > 80


def roundings(nodes: Sequence[NodeProto], half: Half) -> int:
    casts = [node for node in nodes if node.op_type == "Cast"]
    return sum(attribute.i == FORMATS[half].onnx for cast in casts for attribute in cast.attribute)


def test_every_operator_of_many_is_rounded_or_needs_it_not() -> None:
    graph = graph_of(many(21))
    halved = to_half(graph, "fp16", ())
    names = {name for name, (element, _) in halved.tensor_types().items() if element == TensorProto.FLOAT16}
    emulated = rounded(halved)
    seen = emulated.copy()
    types = emulated.tensor_types()
    made = [name for name in sorted(halved.producers()) if name in names and name in emulated.producers()]
    wanted = [name for name in made if types[name][0] == TensorProto.FLOAT]
    seen.outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, types[name][1]) for name in wanted]
    assert len(wanted) > 30
    for name, values in zip(wanted, run(seen, many_feed()), strict=True):
        np.testing.assert_array_equal(values, values.astype(np.float16).astype(np.float32), err_msg=name)


@pytest.mark.parametrize("half", HALVES)
def test_int8_kernels_run_as_in_fp32(half: Half, tmp_path: Path) -> None:
    graph = graph_of(quantised())
    x = {"x": np.random.default_rng(0).standard_normal((1, 3, 8, 8)).astype(np.float32)}
    emulated = rounded(to_half(graph, half, ()))
    kernels = ["MatMulIntegerToFloat", "MatMulIntegerToFloat", "QLinearConv"]
    for each in (graph, emulated):
        operators = [node.op_type for node in optimised(each, x, tmp_path / "optimised.onnx")]
        assert sorted(name for name in operators if name.startswith(("MatMul", "QLinear", "Conv"))) == kernels
    np.testing.assert_allclose(run(emulated, x)[0], run(graph, x)[0], atol=0.05 if half == "fp16" else 0.5)


def test_int8_products_are_rounded_once_and_other_readers_get_16_bit() -> None:
    emulated = rounded(to_half(graph_of(quantised()), "fp16", ()))
    made = emulated.producers()
    assert made["matrix"].op_type == made["rows_back"].op_type == "DequantizeLinear"
    assert made["map"].op_type == "Conv"
    assert [made[name].op_type for name in ("one", "map_back", "biased")] == ["Cast"] * 3


def test_weights_from_an_int8_file_that_meet_16_bit_activations_are_rounded() -> None:
    graph = graph_of(quantised())
    graph.nodes = [node for node in graph.nodes if not node.output[0].startswith(("rows_", "other_int8", "other_back"))]
    for node in graph.nodes:
        node.input[:] = ["rows" if name in ("rows_back", "other_back") else name for name in node.input]
    assert rounded(to_half(graph, "fp16", ())).producers()["matrix"].op_type == "Cast"


def test_inputs_outputs_and_casts_in_16_bit_keep_their_types() -> None:
    text = """
    typed (float16[4] x) => (float16[4] out, float[4] wide, float16[4] again, float16[4] same, int64[4] whole) {
        double = Add (x, x)
        wide = Cast <to = 1> (double)
        again = Cast <to = 10> (wide)
        same = Cast <to = 10> (double)
        whole = Cast <to = 7> (double)
        filled = ConstantOfShape (four)
        halves = Cast <to = 10> (filled)
        out = Add (double, halves)
    }"""
    graph = graph_of(text_model(text, {"four": np.array([4])}))
    filled = next(node for node in graph.nodes if node.op_type == "ConstantOfShape")
    value = numpy_helper.from_array(np.array([0.1], np.float16), "value")
    filled.attribute.append(helper.make_attribute("value", value))
    x = {"x": np.array([0.1, 1, 2, 40000], np.float16)}
    found = run(rounded(graph), x)
    tenth = np.float32(np.float16(0.1))
    double = np.array([2 * tenth, 2, 4, np.inf], np.float32)
    np.testing.assert_array_equal(found[0], (double + tenth).astype(np.float16))
    np.testing.assert_array_equal(found[1], double)
    np.testing.assert_array_equal(found[2], double.astype(np.float16))
    np.testing.assert_array_equal(found[3], double.astype(np.float16))
    assert [str(array.dtype) for array in found] == ["float16", "float32", "float16", "float16", "int64"]
    assert found[4][:3].tolist() == [0, 2, 4]


def test_weights_in_a_file_come_out_in_16_bit_and_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graph_of(text_model(ATTENTION, attention_weights()))
    data = tmp_path / "in.onnx.data"
    matrix = graph.weights["query_matrix"].read()
    data.write_bytes(matrix.tobytes())
    in_file = graph.copy()
    in_file.weights["query_matrix"] = of_file(matrix.dtype, matrix.shape, FilePart(data, 0))
    monkeypatch.setattr(graph_module, "INLINE_BYTES", 0)
    monkeypatch.setattr(graph_module, "SMALL_BYTES", 64)
    path, written = write_graph(rounded(to_half(in_file, "fp16", ())), tmp_path / "out.onnx")
    assert written.stat().st_size >= matrix.nbytes // 2
    types = {tensor.name: tensor.data_type for tensor in load(path, load_external_data=False).graph.initializer}
    assert types["query_matrix_fp16"] == TensorProto.FLOAT16
    x = {"x": np.random.default_rng(0).standard_normal((1, 4, 8)).astype(np.float32)}
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, x)[0], run(rounded(to_half(graph, "fp16", ())), x)[0])


def test_rounding_asks_for_no_large_weight() -> None:
    def refuse() -> Array:
        raise AssertionError("read too early")

    graph = graph_of(text_model(ATTENTION, attention_weights()))
    graph.weights["rows"] = Weight(np.dtype(np.float32), (800, 800), refuse)
    graph.weights["two"] = of_array(np.zeros((1, 4, 800), np.float32))
    graph.nodes.append(helper.make_node("MatMul", ["two", "rows"], ["more"], name="more"))
    assert "rows_fp16" in rounded(to_half(graph, "fp16", ())).weights

"""What 16 bit cannot hold: weights are refused by name, masks go on masking, and nothing turns into NaN."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from libra_edge.export.graph import Graph, model_of
from libra_edge.export.half import to_half
from libra_edge.export.half_format import Half
from libra_edge.export.half_range import BeyondHalf, overflowing
from libra_edge.export.rounding import rounded
from libra_edge.export.weight import of_array
from tests.graph_of import graph_of, run
from tests.half_graphs import ATTENTION, attention_weights, many, quantised, text_model

SMALLEST_FP32 = float(np.finfo(np.float32).min)


def attention(mask: float = -1e9) -> Graph:
    return graph_of(text_model(ATTENTION, attention_weights(mask)))


def with_weight(graph: Graph, name: str, value: float) -> Graph:
    changed = graph.copy()
    array = np.array(graph.weights[name].read())
    array.reshape(-1)[0] = value
    changed.weights[name] = of_array(array)
    return changed


def test_the_largest_fp16_passes_and_what_lies_beyond_is_named() -> None:
    assert overflowing(to_half(with_weight(attention(), "offset", -65504.0), "fp16", ())) == []
    halved = to_half(with_weight(attention(), "offset", -65600.0), "fp16", ())
    (problem,) = overflowing(halved)
    assert (problem.weight, problem.value) == ("offset", 65600.0)
    clause = (
        "has weight 'offset' as large as 65600, beyond the 65504 of FP16; use --refiner bf16 or keep that layer in FP32"
    )
    assert str(problem) == clause
    with pytest.raises(BeyondHalf):
        model_of(halved, external=False)


def test_in_bf16_or_kept_in_fp32_the_same_weight_passes() -> None:
    graph = with_weight(attention(), "offset", 1e6)
    assert overflowing(to_half(graph, "bf16", ())) == []
    assert overflowing(to_half(graph, "fp16", ["Add_out"])) == []
    (problem,) = overflowing(to_half(with_weight(attention(), "offset", SMALLEST_FP32), "bf16", ()))
    assert "use --refiner fp32" in str(problem)


def test_a_scale_that_becomes_zero_is_named() -> None:
    graph = with_weight(graph_of(quantised()), "matrix_scales", 1e-9)
    (problem,) = {str(problem) for problem in overflowing(to_half(graph, "fp16", ()))}
    assert problem == "has scale 'matrix_scales' as small as 1e-09, which is 0 in FP16; keep that layer in FP32"
    assert overflowing(to_half(with_weight(attention(), "offset", 1e-9), "fp16", ())) == []


def test_a_constant_of_a_shape_beyond_the_range_is_refused() -> None:
    graph = graph_of(many())
    zeros = next(node for node in graph.nodes if node.op_type == "ConstantOfShape")
    value = helper.make_tensor("value", TensorProto.FLOAT, [1], [1e6])
    zeros.attribute.append(helper.make_attribute("value", value))
    with pytest.raises(BeyondHalf, match="'zeros' as large as 1e"):
        to_half(graph, "fp16", ())


@pytest.mark.parametrize("half", ["fp16", "bf16"])
@pytest.mark.parametrize("mask", [-1e9, SMALLEST_FP32, -65504.0])
def test_a_mask_goes_on_masking(half: Half, mask: float) -> None:
    x = np.random.default_rng(0).standard_normal((1, 4, 8)).astype(np.float32)
    halved = to_half(attention(mask), half, ())
    assert overflowing(halved) == []
    found, expected = run(rounded(halved), {"x": x})[0], run(attention(mask), {"x": x})[0]
    np.testing.assert_allclose(found, expected, atol=0.02 if half == "fp16" else 0.1)


@pytest.mark.parametrize("half", ["fp16", "bf16"])
@pytest.mark.parametrize("mask", [-1e9, SMALLEST_FP32, -65504.0])
def test_a_row_that_is_masked_whole_gives_no_nan(half: Half, mask: float) -> None:
    graph = attention(mask)
    graph.weights["mask"] = of_array(np.full((4, 4), mask, np.float32))
    graph.weights["query_matrix"] = of_array(-8 * np.eye(8, dtype=np.float32))  # every score far below 0
    x = np.random.default_rng(0).uniform(2, 8, (1, 4, 8)).astype(np.float32)
    assert np.all(np.isfinite(run(rounded(to_half(graph, half, ())), {"x": x})[0]))


def test_minus_infinity_stays_and_does_what_it_did() -> None:
    halved = to_half(attention(-np.inf), "fp16", ())
    assert np.isneginf(halved.weights["mask_fp16"].read()).sum() == 6
    x = np.random.default_rng(0).standard_normal((1, 4, 8)).astype(np.float32)
    assert np.all(np.isfinite(run(rounded(halved), {"x": x})[0]))


def test_a_mask_that_something_else_reads_too_is_a_weight() -> None:
    graph = attention()
    graph.weights["rows"] = of_array(np.ones((4, 8), np.float32))
    graph.nodes[-1].input[1] = "wide_mask"
    graph.nodes.insert(0, helper.make_node("MatMul", ["mask", "rows"], ["wide_mask"], name="widen"))
    (problem,) = overflowing(to_half(graph, "fp16", ()))
    assert (problem.weight, problem.value) == ("mask", 1e9)

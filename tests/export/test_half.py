"""16-bit types: what becomes 16 bit, what stays FP32, and that the two meet in Casts alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import NodeProto, TensorProto, ValueInfoProto, helper

from libra_edge.export.graph import Graph, write_graph
from libra_edge.export.half import to_half
from libra_edge.export.half_format import FORMATS, Half
from libra_edge.export.half_nodes import without_half_form
from libra_edge.export.opset import raised_to
from libra_edge.export.picture_casts import cast_pictures_first
from libra_edge.export.rounding import rounded
from libra_edge.export.weight import Weight
from tests.graph_of import checked, graph_of, run, shipped
from tests.half_graphs import ATTENTION, Array, attention_weights, many, many_feed, quantised, text_model

HALVES: tuple[Half, ...] = ("fp16", "bf16")
GRAPHS = ("planner", "refiner_encoder", "refiner_step")
NAMES = [node.name for node in graph_of(many()).nodes]


def types_of(graph: Graph) -> dict[str, int]:
    """Of every tensor, as strict inference finds them."""
    model = checked(graph).graph
    types = {tensor.name: tensor.data_type for tensor in model.initializer}
    values: list[ValueInfoProto] = [*model.input, *model.value_info, *model.output]
    return {**types, **{value.name: value.type.tensor_type.elem_type for value in values}}


def casts_of(graph: Graph) -> list[NodeProto]:
    return [node for node in graph.nodes if node.op_type == "Cast"]


def node_of(graph: Graph, name: str) -> NodeProto:
    return next(node for node in graph.nodes if node.name == name)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("name", GRAPHS)
def test_of_the_shipped_graphs_only_borders_and_what_has_no_form_stay_fp32(name: str, half: Half) -> None:
    graph = shipped(name)
    halved = to_half(graph, half, ())
    forced = {output for node in graph.nodes if node.name in without_half_form(graph, half) for output in node.output}
    borders = {value.name for value in (*graph.inputs, *graph.outputs)}
    moved = {node.output[0] for node in halved.nodes if node.op_type == "Slice"}  # of FP32 inputs, cut before the Cast
    full = {tensor for tensor, element in types_of(halved).items() if element == TensorProto.FLOAT}
    casts = {node.output[0] for node in casts_of(halved)}
    assert {tensor for tensor in full - borders - moved - forced - casts if tensor not in halved.weights} == set()
    if not forced:
        assert not any(weight.dtype == np.float32 for weight in halved.weights.values())
    assert [(value.name, value.type) for value in halved.outputs] == [(v.name, v.type) for v in graph.outputs]


def test_fp16_has_a_form_of_all_and_bf16_of_all_but_these() -> None:
    assert without_half_form(graph_of(many()), "fp16") == ()
    forced = without_half_form(graph_of(many()), "bf16")
    assert {node.op_type for node in graph_of(many()).nodes if node.name in forced} == {
        *("Conv", "MaxPool", "Einsum", "Sin", "ConstantOfShape")
    }


@pytest.mark.parametrize("half", HALVES)
def test_of_many_operators_each_takes_what_its_schema_allows(half: Half) -> None:
    halved = to_half(graph_of(many()), half, ())
    types = types_of(halved)
    form = FORMATS[half]
    expected = {
        "normal",
        "even",
        "scores_fp32" if half == "bf16" else "scores",
        "weights",
        "clean",
        "out_" + half,
        "posed",
    }
    assert types["normal"] == types["even"] == types["weights"] == types["clean"] == types["posed"] == form.onnx, (
        expected
    )
    assert types["moved"] == types["state"] == TensorProto.FLOAT
    assert types["high"] == types["allowed"] == types["strange"] == TensorProto.BOOL
    resize = next(node for node in halved.nodes if node.op_type == "Resize")
    assert (types[resize.input[0]], types[resize.input[2]]) == (form.onnx, TensorProto.FLOAT)
    picture = next(node for node in halved.nodes if list(node.output) == ["picture"])
    assert types[picture.output[0]] == form.onnx
    assert halved.weights["five"].dtype == np.int64


def test_keeping_everything_changes_nothing() -> None:
    graph = graph_of(many())
    kept = to_half(graph, "fp16", NAMES)
    assert not any(weight.dtype == np.float16 for weight in kept.weights.values())
    for found, expected in zip(run(kept, many_feed()), run(graph, many_feed()), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_kept_node_reads_and_writes_fp32_and_its_weight_stays() -> None:
    halved = to_half(graph_of(many()), "fp16", ["MatMul_features"])
    types = types_of(halved)
    kept = node_of(halved, "MatMul_features")
    assert [types[name] for name in (*kept.input, *kept.output)] == [TensorProto.FLOAT] * 3
    assert halved.weights["matrix"].dtype == np.float32
    assert "matrix_fp16" not in halved.weights
    assert [(cast.input[0], cast.output[0]) for cast in casts_of(halved)][1:] == [
        ("normal", "normal_fp32"),
        ("features", "features_fp16"),
        ("state", "state_fp16"),
        ("out_fp16", "out"),
    ]


def test_a_kept_node_takes_the_numbers_that_the_others_rounded() -> None:
    graph = graph_of(text_model(ATTENTION, attention_weights()))
    x = np.random.default_rng(0).standard_normal((1, 4, 8)).astype(np.float32)
    found = run(rounded(to_half(graph, "fp16", ["Add_out"])), {"x": x})[0]
    before = graph.copy()
    before.nodes = [node for node in before.nodes if node.name != "Add_out"]
    before.outputs = [helper.make_tensor_value_info("positive", TensorProto.FLOAT, [1, 4, 8])]
    positive = run(rounded(to_half(before, "fp16", ())), {"x": x})[0]
    np.testing.assert_array_equal(found, positive + graph.weights["offset"].read())
    assert not np.array_equal(found, found.astype(np.float16).astype(np.float32))


def test_two_kept_nodes_in_a_row_exchange_fp32_through_data_movement() -> None:
    halved = to_half(graph_of(many()), "fp16", ["Conv_map", "Relu_positive", "Resize_doubled", "MaxPool_pooled"])
    between = {node.output[0] for node in casts_of(halved)} & {"map_fp32", "positive_fp32", "doubled_fp32"}
    assert between == set()
    assert types_of(halved)["seen"] == TensorProto.FLOAT, "Reshape follows what it is given"


def test_a_weight_read_by_both_kinds_is_there_twice() -> None:
    halved = to_half(graph_of(many()), "fp16", ["Sub_centred"])
    assert halved.weights["half"].dtype == np.float32
    assert halved.weights["half_fp16"].dtype == np.float16


def test_what_makes_numbers_follows_its_readers() -> None:
    for keep, expected in (((), TensorProto.FLOAT16), (("Mul_scaled", "Mul_longer"), TensorProto.FLOAT)):
        types = types_of(to_half(graph_of(many()), "fp16", keep))
        assert types["picture"] == types["table_rows"] == expected


def test_what_makes_numbers_follows_its_readers_through_data_movement() -> None:
    graph = cast_pictures_first(graph_of(many()))
    for keep, expected in (((), TensorProto.FLOAT16), (("Mul_scaled",), TensorProto.FLOAT)):
        types = types_of(to_half(graph, "fp16", keep))
        assert {types[name] for name in ("image_fp32", "cut", "turned", "picture")} == {expected}


def test_an_output_that_a_kept_node_reads_is_cast_once() -> None:
    text = "read (float[4] x) => (float[4] y, float[4] z) { y = Add (x, x) z = Sqrt (y) }"
    halved = to_half(graph_of(text_model(text, {})), "fp16", ["Sqrt_z"])
    assert [(cast.input[0], cast.output[0]) for cast in casts_of(halved)] == [("x", "x_fp16"), ("y_fp16", "y")]
    assert node_of(halved, "Sqrt_z").input[0] == "y"


@pytest.mark.parametrize("half", HALVES)
def test_what_is_fp32_by_attribute_or_by_nature_stays_so(half: Half) -> None:
    text = """
    odd (float[1,1,4,4] x) => (float[1,1,4,4] out, float[4,4] one) {
        normal, mean, deviation = LayerNormalization (x, gain)
        moved = Sub (normal, mean)
        resized = Resize <coordinate_transformation_mode = "tf_crop_and_resize", mode = "linear"> (moved, roi, scales)
        eye = EyeLike <dtype = 1> (square)
        more = Add (eye, square)
        one = Identity (more)
        out = Identity (resized)
    }"""
    weights: dict[str, Array] = {
        "gain": np.ones(4, np.float32),
        "roi": np.array([0, 0, 0, 0, 1, 1, 1, 1], np.float32),
        "scales": np.ones(4, np.float32),
        "square": np.ones((4, 4), np.float32),
    }
    graph = graph_of(text_model(text, weights))
    assert without_half_form(graph, half) == ("EyeLike_eye",)
    halved = to_half(graph, half, ())
    types = types_of(halved)
    assert types["normal"] == types["resized"] == FORMATS[half].onnx
    assert types["mean"] == types["eye"] == TensorProto.FLOAT
    assert list(node_of(halved, "Resize_resized").input[1:]) == ["roi", "scales"]


@pytest.mark.parametrize("half", HALVES)
@given(keep=st.sets(st.sampled_from(NAMES)))
@settings(max_examples=40, deadline=None)
def test_any_choice_of_kept_nodes_gives_a_graph_of_sound_types(half: Half, keep: set[str]) -> None:
    graph = graph_of(many())
    halved = to_half(graph, half, keep)
    types = types_of(halved)
    for node in halved.nodes:
        if node.name in keep:
            assert FORMATS[half].onnx not in {types[name] for name in (*node.input, *node.output) if name}
    casts = casts_of(halved)
    assert max(Counter((cast.input[0], types[cast.output[0]]) for cast in casts).values()) == 1
    added = [cast for cast in casts if cast.name not in NAMES]
    assert {cast.input[0] for cast in added}.isdisjoint(cast.output[0] for cast in added), "one Cast behind the other"
    assert list(halved.outputs) == list(graph.outputs)
    assert len({node.name for node in halved.nodes}) == len(halved.nodes)


@pytest.mark.parametrize("half", HALVES)
def test_quantised_layers_get_16_bit_scales_and_keep_their_integers(half: Half) -> None:
    halved = to_half(graph_of(quantised()), half, ())
    forced = half == "bf16"  # Conv has no bf16 form before opset 22
    dtypes = {name: weight.dtype for name, weight in halved.weights.items()}
    assert dtypes["kernel_int8"] == dtypes["zero"] == dtypes["kernel_zeros"] == np.int8
    assert dtypes[f"matrix_scales_{half}"] == dtypes[f"rows_scale_{half}"] == FORMATS[half].dtype
    assert ("kernel_scales" in dtypes) == forced
    assert not [cast for cast in casts_of(halved) if cast.input[0].endswith("back")]
    checked(halved)


def test_quantisers_follow_a_layer_that_is_kept() -> None:
    halved = to_half(graph_of(quantised()), "fp16", ["MatMul_one"])
    types = types_of(halved)
    assert types["rows_back"] == types["matrix"] == TensorProto.FLOAT
    assert types["other_back"] == types["other_matrix"] == TensorProto.FLOAT16
    assert [cast.input[0] for cast in casts_of(halved)] == ["one", "out_fp16"]


def test_before_opset_19_quantisers_have_no_form_in_16_bit() -> None:
    graph = graph_of(quantised(18))
    forced = without_half_form(graph, "fp16")
    assert {node.op_type for node in graph.nodes if node.name in forced} == {"QuantizeLinear", "DequantizeLinear"}
    checked(to_half(graph, "fp16", ()))
    assert without_half_form(raised_to(graph), "fp16") == ()


def test_weights_are_converted_when_they_are_read_and_not_before(tmp_path: Path) -> None:
    graph = graph_of(many())
    reads: list[str] = []

    def counted(name: str, weight: Weight) -> Weight:
        return Weight(weight.dtype, weight.shape, lambda: reads.append(name) or weight.read())  # type: ignore[func-returns-value]

    graph.weights = {name: counted(name, weight) for name, weight in graph.weights.items()}
    graph.weights["table"] = counted(
        "table", Weight(np.dtype(np.float32), (800, 8), lambda: np.ones((800, 8), np.float32))
    )
    halved = to_half(graph, "fp16", ())
    assert "table" not in reads
    write_graph(halved, tmp_path / "half.onnx")
    assert reads.count("table") == 1


def test_a_graph_within_a_graph_is_refused_by_name() -> None:
    graph = graph_of(many())
    inner = helper.make_graph([], "inner", [], [])
    graph.nodes.append(
        helper.make_node("If", ["high"], ["chosen"], name="choose", then_branch=inner, else_branch=inner)
    )
    with pytest.raises(ValueError, match=r"^has node 'choose' \(If\) with a graph inside"):
        to_half(graph, "fp16", ())

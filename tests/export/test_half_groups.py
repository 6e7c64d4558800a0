"""The groups of a graph's arithmetic: each node in one, each in the right one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto

from libra_edge.export.graph import Graph
from libra_edge.export.half import to_half
from libra_edge.export.half_groups import GROUPS, half_groups
from libra_edge.export.operators import FLEXIBLE
from tests.graph_of import checked, graph_of, shipped
from tests.half_graphs import Array, many, quantised, text_model

GRAPHS = {
    **{name: shipped(name) for name in ("planner", "refiner_encoder", "refiner_step")},
    "many": graph_of(many()),
    "quantised": graph_of(quantised()),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_every_node_that_computes_in_fp32_is_in_exactly_one_group(name: str) -> None:
    graph = GRAPHS[name]
    types = {tensor: element for tensor, (element, _) in graph.tensor_types().items()}
    computing = [
        node.name
        for node in graph.nodes
        if node.op_type not in FLEXIBLE
        and TensorProto.FLOAT in {types.get(tensor) for tensor in (*node.input, *node.output)}
    ]
    groups = half_groups(graph)
    assert tuple(groups) == GROUPS
    assert sorted(name for names in groups.values() for name in names) == sorted(computing)


def test_the_sampler_of_the_shipped_refiner_is_found() -> None:
    groups = half_groups(GRAPHS["refiner_step"])
    assert groups["sampler"] == ("node_linear_26", "node_add_11", "node_sub_1", "node_sub_2", "node_div", "node_add_12")
    assert groups["pictures"] == ()
    assert len(groups["normalisation"]) == 10
    assert len(groups["softmax"]) == 6


def test_the_pictures_of_the_shipped_encoder_end_at_the_first_convolution() -> None:
    groups = half_groups(GRAPHS["refiner_encoder"])
    assert groups["pictures"] == ("node_mul_2", "node_sub_3", "node_mul_6", "node_sub_4")


def test_a_quantised_weight_ends_the_pictures_too() -> None:
    text = """
    seen (uint8[1,3,8,8] image) => (float[1,8,8,8] out) {
        picture = Cast <to = 1> (image)
        light = Mul (picture, per_level)
        kernel = DequantizeLinear (kernel_int8, scale)
        map = Conv <pads = [1, 1, 1, 1]> (light, kernel)
        positive = Relu (map)
        out = Conv <pads = [1, 1, 1, 1]> (positive, second)
    }"""
    weights: dict[str, Array] = {
        "per_level": np.array(1 / 255, np.float32),
        "kernel_int8": np.ones((8, 3, 3, 3), np.int8),
        "scale": np.array(0.1, np.float32),
        "second": np.ones((8, 8, 3, 3), np.float32),
    }
    groups = half_groups(graph_of(text_model(text, weights)))
    assert (groups["pictures"], groups["elementwise"]) == (("Mul_light",), ("Relu_positive",))


def rms(text: str) -> Graph:
    weights = {
        "two": np.array(2, np.float32),
        "last": np.array([-1]),
        "epsilon": np.array(1e-5, np.float32),
        "minus_half": np.array(-0.5, np.float32),
        "matrix": np.eye(8, dtype=np.float32),
    }
    body = f"norm (float[1,4,8] x) => (float[1,4,8] out) {{ {text} out = MatMul (normal, matrix) }}"
    return graph_of(text_model(body, weights))


MEAN = "m = ReduceMean (s, last) t = Add (m, epsilon)"
RMS = f"s = Pow (x, two) {MEAN} r = Sqrt (t) i = Reciprocal (r) normal = Mul (x, i)"
RMS_BY_POWER = f"s = Mul (x, x) {MEAN} r = Pow (t, minus_half) normal = Mul (x, r)"
LAYER = f"c = ReduceMean (x, last) d = Sub (x, c) s = Pow (d, two) {MEAN} r = Sqrt (t) normal = Div (d, r)"
NO_SQUARE = f"s = Mul (x, two) {MEAN} r = Sqrt (t) normal = Mul (x, r)"


@pytest.mark.parametrize(("text", "others"), [(RMS, 0), (RMS_BY_POWER, 0), (LAYER, 0), (NO_SQUARE, 5)])
def test_normalisation_is_known_where_it_is_written_out(text: str, others: int) -> None:
    groups = half_groups(rms(text))
    assert len(groups["elementwise"]) == others
    assert len(groups["normalisation"]) == len(text.split(" = ")) - 1 - others


@given(chosen=st.sets(st.sampled_from(GROUPS)), name=st.sampled_from(sorted(GRAPHS)))
def test_any_groups_may_be_kept(chosen: set[str], name: str) -> None:
    groups = half_groups(GRAPHS[name])
    keep = [node for group in chosen for node in groups[group]]
    halved = to_half(GRAPHS[name], "fp16", keep)
    assert checked(halved).graph.node
    assert (chosen == set(GROUPS)) <= all(weight.dtype != np.float16 for weight in halved.weights.values())

"""Raising a graph's opset: the same numbers, and no operator that means something else there."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, defs, helper

from libra_edge.export.graph import Graph
from libra_edge.export.opset import CHANGED_MEANING, HIGHEST, LOWEST, raised_to
from tests.graph_of import checked, graph_of, run
from tests.half_graphs import many, many_feed

SAME_MEANING = {
    *("AveragePool", "Cast", "CastLike", "Constant", "ConstantOfShape", "DequantizeLinear", "Equal", "Flatten"),
    *("Identity", "If", "IsInf", "IsNaN", "Loop", "Pad", "QLinearMatMul", "QuantizeLinear", "ReduceMax", "ReduceMin"),
    *("Reshape", "Resize", "Scan", "Shape", "Size", "Squeeze", "Transpose", "Unsqueeze"),
}
"""Read one by one: they took more types, or attributes whose default is what they did before."""


def test_every_operator_that_changed_was_judged() -> None:
    names = {schema.name for schema in defs.get_all_schemas_with_history() if not schema.domain}
    changed = {name for name in names if version(name, LOWEST) != version(name, HIGHEST) and version(name, LOWEST)}
    assert changed == SAME_MEANING | CHANGED_MEANING.keys()


def version(name: str, opset: int) -> int:
    try:
        return defs.get_schema(name, opset, "").since_version
    except defs.SchemaError:
        return 0


def test_the_raised_graph_computes_the_same() -> None:
    graph = graph_of(many(18))
    raised = raised_to(graph)
    assert (graph.opset, raised.opset) == (18, 21)
    checked(raised)
    for found, expected in zip(run(raised, many_feed()), run(graph, many_feed()), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_graph_is_never_lowered() -> None:
    assert raised_to(graph_of(many(21)), 19).opset == 21


@pytest.mark.parametrize(("opset", "wanted"), [(17, 21), (18, 22)])
def test_opsets_that_were_not_compared_are_refused(opset: int, wanted: int) -> None:
    graph = Graph("empty", opset, [], [], [])
    with pytest.raises(
        ValueError, match=rf"^has opset {opset}, which cannot be raised to {wanted}; export it with opset 18 to 21"
    ):
        raised_to(graph, wanted)


def test_an_operator_that_changes_its_meaning_is_refused_by_name() -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 2])
    node = helper.make_node("GroupNormalization", ["x", "s", "b"], ["y"], name="norm", num_groups=2)
    graph = Graph("normalised", 18, [node], [value], [])
    with pytest.raises(
        ValueError, match=r"^has node 'norm' \(GroupNormalization\), which changes its meaning at opset 21"
    ):
        raised_to(graph)
    assert raised_to(graph, 20).opset == 20

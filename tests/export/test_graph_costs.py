"""FLOPs and bytes of three layers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from onnx import ModelProto, TensorProto, helper

from libra_edge.export.graph_costs import NodeCost, graph_costs


def model(operator: str, shapes: list[list[int | str]], out: list[int], dtype: int, **attributes: Any) -> ModelProto:
    names = "abc"[: len(shapes)]
    inputs = [helper.make_tensor_value_info(name, dtype, shape) for name, shape in zip(names, shapes, strict=True)]
    node = helper.make_node(operator, list(names), ["y"], name="layer", **attributes)
    outputs = [helper.make_tensor_value_info("y", dtype, out)]
    return helper.make_model(helper.make_graph([node], "graph", inputs, outputs))


@pytest.mark.parametrize(
    ("made", "flops", "moved"),
    [
        # 2 x 3 x 5 outputs of 4 terms; 24 + 20 + 30 elements of 4 bytes
        (model("MatMul", [[2, 3, 4], [4, 5]], [2, 3, 5], TensorProto.FLOAT), 240, 296),
        # A transposed: 3 x 5 outputs of 4 terms; 12 + 20 + 5 + 15 elements of 2 bytes
        (model("Gemm", [[4, 3], [4, 5], [5]], [3, 5], TensorProto.FLOAT16, transA=1), 120, 104),
        # Two groups: 1 x 6 x 6 x 6 outputs of 2 x 3 x 3 terms; 256 + 108 + 216 elements of 4 bytes
        (model("Conv", [[1, 4, 8, 8], [6, 2, 3, 3]], [1, 6, 6, 6], TensorProto.FLOAT, group=2), 7776, 2320),
    ],
)
def test_layer_worked_out_by_hand_is_exact(made: ModelProto, flops: int, moved: int) -> None:
    assert graph_costs(made) == (NodeCost("layer", made.graph.node[0].op_type, flops, moved),)


def test_dynamic_shape_is_unknown_and_not_zero() -> None:
    made = model("MatMul", [["batch", 4], [4, 5]], [3, 5], TensorProto.FLOAT)
    assert graph_costs(made)[0] == NodeCost("layer", "MatMul", None, None)

"""Every product that did not run in INT8 gets the reason that is true of it."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from libra_edge.export.float_products import ATTENTION, NOT_ASKED, RUNTIME, TUNED, float_products
from libra_edge.export.graph import Graph
from libra_edge.export.mac_share import ExecutedProduct, MacShare
from libra_edge.export.weight import of_array


def attending() -> Graph:
    """x W1 meets x W10, and their product meets W2: layers mix_1, mix_10 and head."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["q"], name="mix_1"),
        helper.make_node("MatMul", ["x", "w"], ["k"], name="mix_10"),
        helper.make_node("MatMul", ["q", "k"], ["a"], name="meet"),
        helper.make_node("MatMul", ["a", "w"], ["y"], name="head"),
    ]
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 4])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 4])
    return Graph("planner", 17, nodes, [value], [result], {"w": of_array(np.eye(4, dtype=np.float32))})


def reason(executed: str, *not_int8: str, int8: bool = True) -> str:
    macs = MacShare((ExecutedProduct(executed, "FusedMatMul", 64),))
    (found,) = float_products(macs, attending(), not_int8, int8=int8)
    return found.reason


@pytest.mark.parametrize("executed", ["meet", "meet/MatMulScaleFusion/"])
def test_products_of_activations_are_kept_on_purpose(executed: str) -> None:
    assert reason(executed) == ATTENTION


@pytest.mark.parametrize("kept", ["mix_10", "attention projections"])
def test_the_precision_file_names_a_layer_or_its_group(kept: str) -> None:
    assert reason("mix_10_token_3", "FFN", kept) == TUNED.format(kept)


def test_a_name_that_begins_alike_is_another_layer() -> None:
    assert reason("mix_10_token_3", "mix_1") == RUNTIME


def test_the_rest_is_the_runtimes_doing() -> None:
    assert reason("head") == RUNTIME
    assert reason("renamed beyond recognition", "FFN") == RUNTIME


def test_without_int8_there_is_nothing_to_explain() -> None:
    assert reason("head", int8=False) == NOT_ASKED


def test_the_largest_comes_first_and_int8_is_left_out() -> None:
    ran = (
        ExecutedProduct("head", "MatMul", 1),
        ExecutedProduct("meet", "MatMul", 9),
        ExecutedProduct("mix_1", "QGemm", 5),
    )
    found = float_products(MacShare(ran), attending(), (), int8=True)
    assert [(one.layer, one.executed.macs) for one in found] == [("meet", 9), ("head", 1)]

"""Model directories with a fault planted in them, each of a kind that export has to find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Array = NDArray[Any]
OUTLIER = 5000.0
MIXING = "/gemm_20"
"""The tiny planner's layer in which all that it sees comes together."""


def changed(path: Path, graph: str, change: Callable[[ModelProto], None]) -> None:
    model = onnx.load(path / f"{graph}.onnx")
    change(model)
    onnx.save(model, path / f"{graph}.onnx")


def node_of(model: ModelProto, name: str) -> NodeProto:
    found: NodeProto = next(node for node in model.graph.node if node.name == name)
    return found


def reweighted(model: ModelProto, name: str, change: Callable[[Array], Array]) -> None:
    """The weight of this name becomes what `change` makes of it."""
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    array = change(numpy_helper.to_array(tensor).copy()).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(array, name))


def darken_calibration(path: Path) -> None:
    """The samples that set the ranges see an eighth of the light, and the state near zero."""
    with np.load(path / "calibration.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    dark = ~arrays["holdout"]
    arrays["state"][dark] /= 8
    arrays["image_front"][dark] //= 8
    arrays["image_wrist"][dark] //= 8
    np.savez(path / "calibration.npz", **arrays)


def plant_outlier(path: Path) -> None:
    """One input of MIXING is OUTLIER times as large, its weights as much smaller: the same sum, not in INT8."""

    def plant(model: ModelProto) -> None:
        mixing = node_of(model, MIXING)
        seen = node_of(model, "/matmul_7")
        words = next(iter(node_of(model, "/gather_16").input))
        row = numpy_helper.to_array(next(one for one in model.graph.initializer if one.name == words)).shape[1]
        reweighted(model, seen.input[1], lambda array: array * np.eye(1, array.shape[1]) * (OUTLIER - 1) + array)
        reweighted(
            model, mixing.input[1], lambda array: np.insert(np.delete(array, row, 0), row, array[row] / OUTLIER, 0)
        )

    changed(path, "planner", plant)


def plant_large_weight(path: Path, value: float) -> None:
    """One weight of the refiner's encoder has this value."""

    def plant(model: ModelProto) -> None:
        largest = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
        reweighted(
            model, largest.name, lambda array: np.where(np.arange(array.size).reshape(array.shape), array, value)
        )

    changed(path, "refiner_encoder", plant)


def plant_large_product(path: Path, factor: float = 100_000.0) -> str:
    """Weights that FP16 can hold, a product that it cannot, and a division behind it. Returns the product's node."""
    names: list[str] = []

    def plant(model: ModelProto) -> None:
        (tanh,) = (node for node in model.graph.node if node.op_type == "Tanh")
        product = next(node for node in model.graph.node if node.output[0] == tanh.input[0])
        names.append(product.name)
        reweighted(model, product.input[1], lambda array: array * factor)
        model.graph.initializer.append(numpy_helper.from_array(np.float32(1 / factor), "smaller"))
        division = helper.make_node("Mul", [product.output[0], "smaller"], ["as_it_was"], name="/smaller")
        model.graph.node.insert(list(model.graph.node).index(tanh), division)
        tanh.input[0] = "as_it_was"

    changed(path, "refiner_encoder", plant)
    return names[0]


def with_nan(path: Path, graph: str) -> None:
    """The last weight with two axes is not a number in one place."""

    def plant(model: ModelProto) -> None:
        name = [
            one.name for one in model.graph.initializer if len(one.dims) == 2 and one.data_type == TensorProto.FLOAT
        ][-1]
        reweighted(model, name, lambda array: np.where(np.arange(array.size).reshape(array.shape), array, np.nan))

    changed(path, graph, plant)

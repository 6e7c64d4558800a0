"""ONNX graphs that break the contract: each is refused with a sentence that names file and tensor or node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from libra_edge.errors import ModelDirectoryError
from libra_edge.export.graphs import load_graphs
from libra_edge.export.progress import SilentProgress
from libra_edge.model_directory import open_model_directory


def load(path: Path) -> None:
    load_graphs(open_model_directory(path), SilentProgress())


def changed(path: Path, graph: str, change: Callable[[ModelProto], None]) -> None:
    model = onnx.load(path / f"{graph}.onnx")
    change(model)
    onnx.save(model, path / f"{graph}.onnx")


def test_the_tiny_model_fits_its_contract(tiny: Path) -> None:
    graphs = load_graphs(open_model_directory(tiny), SilentProgress())
    assert list(graphs.graphs) == ["planner", "refiner_encoder", "refiner_step"]
    assert graphs.parameters["refiner_step"] == 6 * 6 + 3


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file(copied: Path, share: float) -> None:
    content = (copied / "planner.onnx").read_bytes()
    (copied / "planner.onnx").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelDirectoryError, match=r"planner\.onnx (cannot be read|is not a valid)") as caught:
        load(copied)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def set_shape(kind: str, name: str, axis: int, size: int | str) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        for value in getattr(model.graph, kind):
            if value.name == name:
                dim = value.type.tensor_type.shape.dim[axis]
                dim.Clear()
                setattr(dim, "dim_param" if isinstance(size, str) else "dim_value", size)

    return change


def set_input_type(name: str, dtype: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        for value in model.graph.input:
            if value.name == name:
                value.type.tensor_type.elem_type = dtype
        cast = helper.make_node("Cast", [name], [f"{name}_cast"], to=TensorProto.FLOAT)
        for node in model.graph.node:
            node.input[:] = [f"{name}_cast" if used == name else used for used in node.input]
        model.graph.node.insert(0, cast)

    return change


def renamed_input(old: str, new: str) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        for value in model.graph.input:
            value.name = new if value.name == old else value.name
        for node in model.graph.node:
            node.input[:] = [new if used == old else used for used in node.input]

    return change


def poisoned(value: float) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        tensor = next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 2)
        array = numpy_helper.to_array(tensor).copy()
        array[1, 1] = value
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

    return change


def with_node(operator: str, domain: str = "") -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        node = helper.make_node(operator, ["state"], ["unused"], name="/odd", domain=domain)
        model.graph.node.append(node)
        if domain:
            model.opset_import.append(helper.make_opsetid(domain, 1))

    return change


def with_double_weight(model: ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.ones((2, 2)), "wide"))


def with_opset(version: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        model.opset_import[0].version = version

    return change


def with_ir_version(version: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        model.ir_version = version

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_shape("input", "state", 0, "batch"), r"input 'state' with the free dimension 'batch'; fix all shapes"),
        (set_input_type("state", TensorProto.INT64), r"input 'state' int64 \[1, 6\], .* asks for 'state' float32"),
        (renamed_input("state", "pose"), r"has inputs .*'pose' float32 \[1, 6\], model\.toml asks for .*'state'"),
        (poisoned(np.nan), r"weight 'constant_\d+' of which 1 of \d+ values are not finite"),
        (poisoned(np.inf), "not finite"),
        (with_node("RandomNormalLike"), r"'/odd' \(RandomNormalLike\), which draws random numbers"),
        (with_node("Gelu", "com.microsoft"), r"'/odd' \(Gelu\) of domain 'com\.microsoft'"),
        (with_double_weight, "weight 'wide' in float64; export the model in FP32"),
        (with_opset(13), r"opset 13; export it with opset 18 to 21|is not a valid ONNX model"),
        (with_ir_version(13), r"IR version 13; save it with IR version 10|is not a valid ONNX model"),
    ],
)
def test_a_planner_that_breaks_the_contract(copied: Path, change: Callable[[ModelProto], None], words: str) -> None:
    changed(copied, "planner", change)
    with pytest.raises(ModelDirectoryError, match=rf"planner\.onnx .*({words})") as caught:
        load(copied)
    assert "\n" not in str(caught.value)


def test_images_of_another_size_than_the_camera_gives(copied: Path) -> None:
    text = (copied / "model.toml").read_text().replace("width = 424\nheight = 240", "width = 320\nheight = 240")
    (copied / "model.toml").write_text(text)
    with pytest.raises(ModelDirectoryError, match=r"'image_wrist' uint8 \[1, 240, 424, 3\], .* \[1, 240, 320, 3\]"):
        load(copied)


def test_logits_for_another_number_of_bins(copied: Path) -> None:
    (copied / "model.toml").write_text((copied / "model.toml").read_text().replace("bins = 10", "bins = 12"))
    with pytest.raises(ModelDirectoryError, match=r"output 'logits' float32 \[1, 10, 6, 10\], .* \[1, 10, 6, 12\]"):
        load(copied)


def test_a_refiner_step_that_takes_other_features_than_the_encoder_gives(copied: Path) -> None:
    def grow(model: ModelProto) -> None:
        set_shape("output", "features", 1, 15)(model)
        made = model.graph.node[-1].output[0]
        model.graph.node[-1].output[0] = "short"
        model.graph.node.append(helper.make_node("Concat", ["short"] * 3, [made], axis=1))

    changed(copied, "refiner_encoder", grow)
    with pytest.raises(ModelDirectoryError, match=r"refiner_step\.onnx has input 'features' .* \[1, 15, 6\]"):
        load(copied)


def test_a_refiner_encoder_with_a_second_output(copied: Path) -> None:
    def add(model: ModelProto) -> None:
        model.graph.output.append(helper.make_tensor_value_info("state", TensorProto.FLOAT, [1, 6]))

    changed(copied, "refiner_encoder", add)
    with pytest.raises(ModelDirectoryError, match=r"should have one output, 'features' float32"):
        load(copied)

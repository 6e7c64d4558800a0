"""Faults on the road: each is found and told in a sentence, and what lay at its end before stays there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from libra_edge.bundle import Target
from libra_edge.errors import CalibrationError, ConfigError, EngineError, ModelDirectoryError
from libra_edge.export import target_export
from libra_edge.export.graph import Graph, write_graph
from libra_edge.export.graph_file import read_graph
from libra_edge.export.layers import weighted_layers
from libra_edge.export.precision import PlannerPrecision, Precision, RefinerPrecision, write_precision
from libra_edge.export.weight import derived
from tests.export.exporting import export, failed
from tests.export.faults import changed, darken_calibration, plant_large_product, plant_large_weight, with_nan

TARGETS: tuple[Target, ...] = ("cpu", "tensorrt")
both = pytest.mark.parametrize("target", TARGETS)
LAYERS = ["/conv_4", "/matmul_7", "/conv_12", "/matmul_15", "/gemm_18", "/gemm_20", "/gemm_22", "/gemm_24"]


def with_scale_times_eight(graph: Graph, layer: str) -> Graph:
    """The graph with the scales of one layer's weight eight times as large as they should be."""
    graph = graph.copy()
    producers = graph.producers()
    (node,) = (node for node in graph.nodes if node.name == layer)
    dequantise = producers[node.input[1]]
    assert dequantise.op_type == "DequantizeLinear"
    scale = dequantise.input[1]
    graph.weights[scale] = derived(graph.weights[scale], lambda array: (array * 8).astype(array.dtype))
    return graph


@pytest.mark.parametrize("layer", LAYERS)
def test_one_layers_scale_times_eight_is_caught_on_both_targets(
    layer: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted in what is written, after conversion and before the comparison."""
    write = write_graph

    def write_with_fault(graph: Graph, path: Path, advance: Callable[[int], None]) -> list[Path]:
        return write(with_scale_times_eight(graph, layer) if path.name == "planner.onnx" else graph, path, advance)

    monkeypatch.setattr(target_export, "write_graph", write_with_fault)
    found = failed(tiny, tmp_path / "out")
    gates = ("planner_tokens_exact", "planner_scale_factor")
    assert {(target, gate) for target in TARGETS for gate in gates} <= set(found)
    assert [path.name for path in tmp_path.iterdir()] == ["out.failed.html"]


def with_input_scale_times_eight(graph: Graph, layer: str) -> Graph:
    """The same for the scale of what the layer is given, in its quantiser and its dequantiser alike."""
    graph = graph.copy()
    (node,) = (node for node in graph.nodes if node.name == layer)
    dequantise = graph.producers()[node.input[0]]
    assert dequantise.op_type == "DequantizeLinear"
    scale = dequantise.input[1]
    graph.weights[scale] = derived(graph.weights[scale], lambda array: (array * 8).astype(array.dtype))
    return graph


@both
def test_one_inputs_scale_times_eight_is_caught(
    target: Target, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three bits of eight are lost, which the tokens of a decisive model may well bear."""
    write = write_graph

    def write_with_fault(graph: Graph, path: Path, advance: Callable[[int], None]) -> list[Path]:
        planted = with_input_scale_times_eight(graph, "/gemm_22") if path.name == "planner.onnx" else graph
        return write(planted, path, advance)

    monkeypatch.setattr(target_export, "write_graph", write_with_fault)
    result = export(tiny, tmp_path / "out", targets=(target,))
    (gate,) = (gate for gate in result.failed if gate.name == "planner_scale_factor")
    assert gate.value == pytest.approx(8, rel=0.01)


def test_the_planted_layers_are_all_there_are(tiny: Path) -> None:
    assert [layer.name for layer in weighted_layers(read_graph(tiny / "planner.onnx"))] == LAYERS


def test_ranges_that_do_not_fit_fail_a_gate_on_both_targets_and_only_the_report_is_left(
    copied: Path, tmp_path: Path
) -> None:
    darken_calibration(copied)
    found = failed(copied, tmp_path / "out")
    assert [(target, "planner_tokens_exact") in found for target in TARGETS] == [True, True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out.failed.html"]


@both
def test_a_refiner_weight_beyond_fp16_is_refused(target: Target, copied: Path, tmp_path: Path) -> None:
    plant_large_weight(copied, 1e6)
    words = r"^model directory .*: refiner_encoder\.onnx has weight 'constant_\d+' as large as 1e\+06, beyond the 65504"
    with pytest.raises(ModelDirectoryError, match=words) as caught:
        export(copied, tmp_path / "out", targets=(target,))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == [copied]


def test_a_planner_weight_beyond_fp16_is_refused_where_it_would_be_fp16(copied: Path, tmp_path: Path) -> None:
    changed(copied, "planner", lambda model: _enlarge(model, "constant_14"))
    with pytest.raises(ModelDirectoryError, match=r"planner\.onnx has weight 'constant_14' as large as 1e\+06"):
        export(copied, tmp_path / "out", planner="fp16", targets=("cpu",))


def _enlarge(model: onnx.ModelProto, name: str) -> None:
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    array = onnx.numpy_helper.to_array(tensor).copy()
    array[-1, -1] = 1e6
    tensor.CopyFrom(onnx.numpy_helper.from_array(array, name))


def test_an_activation_beyond_fp16_is_caught_where_it_would_be_one(copied: Path, tmp_path: Path) -> None:
    """Every weight fits: only running it tells. On `cpu` all sums are FP32, and nothing is wrong."""
    plant_large_product(copied)
    assert export(copied, tmp_path / "cpu", targets=("cpu",)).sha256
    found = failed(copied, tmp_path / "out", targets=("tensorrt",))
    assert ("tensorrt", "refiner_action_largest_deg") in found
    assert not (tmp_path / "out").exists()


def test_an_activation_that_is_no_number_ends_in_a_sentence(copied: Path, tmp_path: Path) -> None:
    """Infinity minus infinity."""

    def plant(model: onnx.ModelProto) -> None:
        product = next(node for node in model.graph.node if node.name == "/smaller")
        product.op_type, product.input[1] = "Sub", product.input[0]

    plant_large_product(copied)
    changed(copied, "refiner_encoder", plant)
    with pytest.raises(EngineError, match=r"refiner_encoder\.onnx gives features that are not finite") as caught:
        export(copied, tmp_path / "out", targets=("tensorrt",))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("graph", ["planner", "refiner_encoder", "refiner_step"])
def test_a_weight_that_is_no_number(graph: str, copied: Path, tmp_path: Path) -> None:
    with_nan(copied, graph)
    with pytest.raises(ModelDirectoryError, match=rf"{graph}\.onnx has weight '.*' of which 1 of \d+ values are not"):
        export(copied, tmp_path / "out")


def resampled(model: Path, change: Callable[[dict[str, Any]], None]) -> None:
    with np.load(model / "calibration.npz") as archive:
        arrays = {name: archive[name].copy() for name in archive.files}
    change(arrays)
    np.savez(model / "calibration.npz", **arrays)


def few(arrays: dict[str, Any]) -> None:
    for name in arrays:
        arrays[name] = arrays[name][:30]


def not_a_number(arrays: dict[str, Any]) -> None:
    arrays["state"][5, 1] = np.nan


@pytest.mark.parametrize(
    ("change", "words"),
    [(few, "6 samples held out, at least 16"), (not_a_number, "state has a value that is not finite")],
)
def test_samples_that_are_too_few_or_no_numbers(
    change: Callable[[dict[str, Any]], None], words: str, copied: Path, tmp_path: Path
) -> None:
    resampled(copied, change)
    with pytest.raises(CalibrationError, match=words) as caught:
        export(copied, tmp_path / "out")
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == [copied]


def test_words_that_the_embedding_does_not_have(copied: Path, tmp_path: Path) -> None:
    resampled(copied, lambda arrays: arrays["instruction"].__setitem__((0, 0), 500))
    with pytest.raises(ModelDirectoryError, match=r"planner\.onnx fails in ONNX Runtime"):
        export(copied, tmp_path / "out")


def test_logits_that_are_not_numbers(copied: Path, tmp_path: Path) -> None:
    changed(copied, "planner", lambda model: setattr(model.graph.node[-1], "op_type", "Sqrt"))
    with pytest.raises(ModelDirectoryError, match=r"planner\.onnx gives logits that are not finite"):
        export(copied, tmp_path / "out")


def test_an_example_with_an_unknown_word(copied: Path, tmp_path: Path) -> None:
    text = (copied / "model.toml").read_text().replace('"touch the red cube"', '"touch the purple cube"')
    (copied / "model.toml").write_text(text)
    with pytest.raises(ModelDirectoryError, match=r"an example of model\.toml does not encode: .*'purple'"):
        export(copied, tmp_path / "out")


def test_an_unknown_gate_is_refused_before_any_work(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such gate"):
        export(tiny, tmp_path / "out", accepted=["speed"])


NO_LAYER = "has no layer and no group of layers"
NO_NODE = "has no node and no group of operators"


@pytest.mark.parametrize(
    ("precision", "target", "words"),
    [
        (Precision(planner=PlannerPrecision(not_int8=("/gemm_99",))), "cpu", f"planner.onnx {NO_LAYER} '/gemm_99'"),
        (Precision(planner=PlannerPrecision(not_int8=("/relu_21",))), "cpu", f"planner.onnx {NO_LAYER} '/relu_21'"),
        (Precision(planner=PlannerPrecision(fp32=("roots",))), "tensorrt", f"planner.onnx {NO_NODE} 'roots'"),
        (Precision(refiner=RefinerPrecision(fp32=("/gemm_20",))), "tensorrt", f"refiner {NO_NODE} '/gemm_20'"),
        (Precision(refiner=RefinerPrecision(fp32=("/gemm_20",))), "cpu", f"refiner {NO_NODE} '/gemm_20'"),
    ],
)
def test_a_precision_file_that_names_what_is_not_there(
    precision: Precision, target: Target, words: str, copied: Path, tmp_path: Path
) -> None:
    write_precision(copied, target, precision)
    with pytest.raises(ModelDirectoryError) as caught:
        export(copied, tmp_path / "out", targets=(target,))
    assert str(caught.value) == f"model directory {copied}: {words}, which its precision file names"

"""Layers on ONNX Runtime: FLOPs and bytes of hand-computed ones to the last bit, and times that add up."""

from __future__ import annotations

import math
from itertools import groupby
from pathlib import Path

import pytest

from libra_edge.errors import EngineError, PolicyFilesError
from libra_edge.profiling import onnx_profile
from libra_edge.profiling.layer import Layer, StageLayers
from libra_edge.profiling.onnx_layers import onnx_layers
from libra_edge.profiling.onnx_profile import (
    LEAST_ROUNDS,
    SLOW_ROUND_RUNS,
    ExecutedNode,
    ProfiledGraph,
    middle_mean,
    profiled_graphs,
)
from libra_edge.profiling.stage_graph import StageGraph
from libra_edge.runtime.engine_onnxruntime import OnnxRuntimeEngine
from tests.profile.small_graphs import attention_graph, convolution_graph, int8_product_graph, product_graph

FP32, UINT8 = 4, 1


def layers_of(path: Path, calls: int = 1) -> StageLayers:
    (stage,) = onnx_layers([StageGraph("a_stage", "plan", path, calls)], 0.0)
    return stage


def only(stage: StageLayers) -> Layer:
    (product,) = (layer for layer in stage.layers if layer.flops)
    return product


def test_a_product_is_counted_to_the_bit(tmp_path: Path) -> None:
    product = only(layers_of(product_graph(tmp_path / "g.onnx")))
    assert (product.flops, product.precision) == (2 * 4 * 8 * 16, "fp32")
    assert product.bytes == FP32 * (4 * 8 + 8 * 16 + 4 * 16)


def test_an_int8_product_is_one_and_reads_bytes(tmp_path: Path) -> None:
    stage = layers_of(int8_product_graph(tmp_path / "g.onnx"))
    product = only(stage)
    assert (product.flops, product.precision) == (2 * 4 * 8 * 16, "int8")
    constants = 2 * FP32 + UINT8 + UINT8  # both scales, both zero points
    assert product.bytes == UINT8 * (4 * 8 + 8 * 16) + FP32 * 4 * 16 + constants
    assert {layer.precision for layer in stage.layers} == {"int8", "fp32", "uint8"}


def test_a_convolution_is_counted_to_the_bit(tmp_path: Path) -> None:
    convolution = only(layers_of(convolution_graph(tmp_path / "g.onnx")))
    assert convolution.flops == 2 * (5 * 8 * 8) * (3 * 3 * 3)
    blocked = 16 if convolution.type == "Conv" and convolution.name.endswith("_nchwc") else 5
    weights = blocked * 3 * 3 * 3 + blocked
    assert convolution.bytes == FP32 * (3 * 8 * 8 + weights + blocked * 8 * 8)


def test_a_step_counts_as_often_as_a_chunk_runs_it(tmp_path: Path) -> None:
    path = attention_graph(tmp_path / "g.onnx")
    once, often = layers_of(path), layers_of(path, calls=5)
    assert often.calls == 5
    for one, five in zip(once.layers, often.layers, strict=True):
        assert (five.flops, five.bytes) == (5 * (one.flops or 0), 5 * (one.bytes or 0))


def test_layers_add_up_to_the_plain_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [ExecutedNode(f"n{n}", "Relu", 3.0 + n, (), (("float", (4,)),), 32) for n in range(4)]
    monkeypatch.setattr(
        "libra_edge.profiling.onnx_layers.profiled_graphs", lambda *_: [ProfiledGraph(tuple(seen), run_us=10.0)]
    )
    stage = layers_of(product_graph(tmp_path / "g.onnx"), calls=2)
    assert stage.profiler_us == (3 + 4 + 5 + 6 - 10) / 4
    assert stage.run_ms == pytest.approx(2 * 10e-3)
    assert stage.layers_ms == pytest.approx(stage.run_ms)


def test_a_profiler_that_costs_nothing_is_not_taken_off() -> None:
    node = ExecutedNode("n", "Relu", 3.0, (), (("float", (4,)),), 32)
    assert ProfiledGraph((node,), run_us=10.0).profiler_us == 0.0


def test_graphs_of_a_system_run_in_their_order_and_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    class Counted(OnnxRuntimeEngine):
        def run(self, inputs):  # type: ignore[no-untyped-def]
            ran.append(self.name)
            return super().run(inputs)

    monkeypatch.setattr(onnx_profile, "OnnxRuntimeEngine", Counted)
    path = product_graph(tmp_path / "g.onnx")
    encoder, step = StageGraph("encoder", "chunk", path, 1), StageGraph("step", "chunk", path, 3)
    first, second = profiled_graphs([encoder, step], 0.0, system=lambda: ran.append("system"))
    assert ran[:8] == ["encoder", "step", "step", "step"] * 2
    each_way = LEAST_ROUNDS * SLOW_ROUND_RUNS
    assert ran.count("encoder") == 1 + 2 * each_way
    assert ran.count("step") == 3 * ran.count("encoder")
    turns = [name for name, _ in groupby("system" if name == "system" else "layers" for name in ran)]
    assert turns == ["layers", "system"] * LEAST_ROUNDS
    assert ran.count("system") == each_way
    assert [node.name for node in first.nodes] == [node.name for node in second.nodes]


def test_a_profile_without_a_layer_is_a_fault() -> None:
    with pytest.raises(EngineError, match="told of no layer"):
        onnx_profile._nodes("planner", [{"cat": "Session", "name": "run"}], 1, 40)


def test_a_file_that_is_no_graph_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "g.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(PolicyFilesError, match="cannot be read"):
        layers_of(path)


def test_what_disturbed_a_run_hardly_moves_the_middle_mean() -> None:
    assert middle_mean([1.0, 2.0, 3.0, 1000.0]) == 2.5
    assert math.isclose(middle_mean([4.0]), 4.0)

"""Layers of TensorRT engines, over stand-ins: what the inspector tells of them, and what the profiler does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from libra_edge.errors import EngineError, PolicyFilesError
from libra_edge.export import engine_record
from libra_edge.profiling import engine_layers
from libra_edge.profiling.engine_layers import read_engine_layers
from libra_edge.profiling.layer import Layer, StageLayers
from libra_edge.profiling.stage_graph import StageGraph
from libra_edge.profiling.tensorrt_layers import StageEngine, tensorrt_layers
from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.cuda.library import CudaLibrary
from tests.cuda.software_device import Device
from tests.cuda.software_driver import software_driver
from tests.cuda.software_pycuda import software_pycuda
from tests.profile.small_graphs import attention_graph, product_graph
from tests.tensorrt.software_tensorrt import VERSION, software_tensorrt

HALF, INT8 = "Row major linear FP16 format", "Int8 NC/32HW32"


def tensor(sizes: list[int], form: str = HALF) -> dict[str, Any]:
    return {"Name": "t", "Dimensions": sizes, "Format/Datatype": form}


def layer(name: str, kind: str, nodes: list[str], inputs: list[Any], outputs: list[Any], **more: Any) -> dict[str, Any]:
    told = "\x1f".join(f"[ONNX Layer: {node}]" for node in nodes)
    return {"Name": name, "LayerType": kind, "Inputs": inputs, "Outputs": outputs, "Metadata": told, **more}


PRODUCT = layer(
    "gemm", "gemm", ["/matmul_0"], [tensor([4, 8], INT8)], [tensor([4, 16])],
    Weights={"Type": "Int8", "Count": 128}, Bias={"Type": "Half", "Count": 16}, TacticName="of no interest",
)  # fmt: skip
REFORMAT = layer("in", "Reformat", ["/matmul_0"], [tensor([4, 8], "Float")], [tensor([4, 8], INT8)])
FUSED = layer("both", "kgen", ["/matmul_1", "/mul_2"], [tensor([2, 6, 4])], [tensor([2, 6, 6])])


@dataclass
class Bench:
    """A GPU of stand-ins, and a place for engines."""

    device: Device
    gpu: Gpu
    trt: ModuleType
    folder: Path

    def engine(self, graph: Path, layers: list[Any], calls: int = 1, product: Any = "plan") -> StageEngine:
        plan, told = self.folder / f"{graph.stem}.plan", self.folder / f"{graph.stem}.json"
        plan.write_text(json.dumps({"version": VERSION, "graph": str(graph)}), encoding="utf-8")
        told.write_text(json.dumps({"Layers": layers}), encoding="utf-8")
        return StageEngine(StageGraph(graph.stem, product, graph, calls), plan, told)

    def layers(self, *engines: StageEngine) -> tuple[StageLayers, ...]:
        return tensorrt_layers(self.gpu, self.trt, engines, 0.0)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    device = Device()
    gpu = Gpu(CudaLibrary(software_pycuda(device.cuda), software_driver(device.cuda)))
    yield Bench(device, gpu, software_tensorrt(device.faults, cuda=device.cuda), tmp_path)
    gpu.close()
    assert device.cuda.violations == []


def written(path: Path, layers: list[Any]) -> Path:
    path.write_text(json.dumps({"Layers": layers, "Bindings": ["x", "y"]}), encoding="utf-8")
    return path


def test_bytes_and_precision_come_from_the_inspector(tmp_path: Path) -> None:
    reformat, product = read_engine_layers(written(tmp_path / "l.json", [REFORMAT, PRODUCT]))
    assert (product.precision, product.bytes) == ("int8", 4 * 8 + 2 * 4 * 16 + 128 + 2 * 16)
    assert (reformat.precision, reformat.bytes) == ("int8", 4 * 32 + 32)


def test_a_node_is_counted_where_it_is_computed_and_nowhere_else(tmp_path: Path) -> None:
    reformat, product = read_engine_layers(written(tmp_path / "l.json", [REFORMAT, PRODUCT]))
    assert (reformat.nodes, product.nodes) == ((), ("/matmul_0",))
    first, second = read_engine_layers(written(tmp_path / "l.json", [PRODUCT, {**PRODUCT, "Name": "again"}]))
    assert (first.nodes, second.nodes) == (("/matmul_0",), ())


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ("Float", ("fp32", 4)), ("Row major linear BFloat16", ("bf16", 2)), ("Half NC/8HW8", ("fp16", 2)),
        ("UInt8", ("int8", 1)), ("Int64", ("int64", 8)), ("Bool", ("bool", 1)), ("E4M3 something", None),
    ],
)  # fmt: skip
def test_elements_are_known_by_their_words(form: str, found: tuple[str, int] | None) -> None:
    assert engine_layers.TensorEntry.model_validate(tensor([2], form)).element == found


def test_what_the_inspector_does_not_tell_is_not_known(tmp_path: Path) -> None:
    (strange,) = read_engine_layers(written(tmp_path / "l.json", [layer("x", "y", [], [], [tensor([4], "E4M3")])]))
    assert (strange.precision, strange.bytes) == ("unknown", None)
    (dynamic,) = read_engine_layers(written(tmp_path / "l.json", [layer("x", "y", [], [], [tensor([-1, 4])])]))
    assert dynamic.bytes is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"Layers": ["gemm", "softmax"]}', "was built without detailed layer information"),
        ('{"Layers": []}', "was built without detailed layer information"),
        ('{"Layers": [{"Name": "gemm"}]}', "these are no layers of an engine"),
        ('{"Layers": 1', "these are no layers of an engine"),
        ("[]", "these are no layers of an engine"),
    ],
)
def test_layers_without_details_are_bad_input(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "layers.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PolicyFilesError, match=sentence) as told:
        read_engine_layers(path)
    assert "the engine is built anew with its layers" in str(told.value)
    assert "\n" not in str(told.value)
    assert told.value.exit_code == 2


def test_layers_that_are_not_there_or_far_too_many_are_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PolicyFilesError, match="cannot be read: No such file"):
        read_engine_layers(tmp_path / "layers.json")
    monkeypatch.setattr(engine_record, "MAX_LAYERS_BYTES", 10)
    with pytest.raises(PolicyFilesError, match="it is larger than"):
        read_engine_layers(written(tmp_path / "layers.json", [PRODUCT]))


def test_time_flops_and_bytes_meet_at_a_layer(bench: Bench) -> None:
    bench.device.faults.layer_times = [("in", 0.25), ("gemm", 2.0)]
    (stage,) = bench.layers(bench.engine(product_graph(bench.folder / "g.onnx"), [REFORMAT, PRODUCT]))
    assert stage.layers == (
        Layer("g", "in", "Reformat", "int8", 0.25, 0.0, 160.0),
        Layer("g", "gemm", "gemm", "int8", 2.0, 2.0 * 4 * 8 * 16, 320.0),
    )
    assert (stage.run_ms, stage.profiler_us, stage.measured_as) == (2.25, 0.0, "planner_device")


def test_a_fused_layer_has_the_products_of_all_its_nodes(bench: Bench) -> None:
    bench.device.faults.layer_times = [("both", 1.0)]
    (stage,) = bench.layers(bench.engine(attention_graph(bench.folder / "g.onnx"), [FUSED]))
    assert stage.layers[0].flops == 2 * 2 * 6 * 6 * 4


def test_a_step_counts_as_often_as_a_chunk_runs_it(bench: Bench) -> None:
    encoder = bench.engine(product_graph(bench.folder / "e.onnx"), [PRODUCT], product="chunk")
    step = bench.engine(product_graph(bench.folder / "s.onnx"), [PRODUCT], calls=3, product="chunk")
    bench.device.faults.layer_times = [("gemm", 2.0)]
    first, second = bench.layers(encoder, step)
    assert (first.layers_ms, second.layers_ms) == (2.0, 6.0)
    assert second.layers[0].flops == 3 * 1024
    assert {first.measured_as, second.measured_as} == {"refiner_device"}


def test_a_layer_that_the_inspector_does_not_name_has_a_time_all_the_same(bench: Bench) -> None:
    bench.device.faults.layer_times = [("gemm", 2.0), ("of nowhere", 1.0)]
    (stage,) = bench.layers(bench.engine(product_graph(bench.folder / "g.onnx"), [PRODUCT]))
    assert stage.layers[1] == Layer("g", "of nowhere", "unknown", "unknown", 1.0, None, None)


def test_an_engine_that_does_not_run_is_a_fault(bench: Bench) -> None:
    bench.device.faults.refuses_execution = True
    with pytest.raises(EngineError, match="cannot execute it"):
        bench.layers(bench.engine(product_graph(bench.folder / "g.onnx"), [PRODUCT]))


def test_a_profiler_that_tells_nothing_is_a_fault(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libra_edge.runtime.tensorrt_plan.TensorrtPlan.watch", lambda *_: None)
    with pytest.raises(EngineError, match="told of no layer"):
        bench.layers(bench.engine(product_graph(bench.folder / "g.onnx"), [PRODUCT]))

"""What each layer of TensorRT engines takes on the GPU, as TensorRT's own profiler tells.

It puts an event between layers, and so sees them one after the other and outside of any CUDA graph: their sum is a
little more than the same engines take as the run has them. How much more stands beside the table; nothing is taken off.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from libra_edge.errors import EngineError, PolicyFilesError
from libra_edge.export.graph import model_of
from libra_edge.export.graph_costs import graph_costs
from libra_edge.export.graph_file import read_graph
from libra_edge.profiling.engine_layers import EngineLayer, read_engine_layers
from libra_edge.profiling.layer import Layer, StageLayers
from libra_edge.profiling.layer_entries import DEVICE_STAGES
from libra_edge.profiling.onnx_profile import middle_mean
from libra_edge.profiling.stage_graph import StageGraph
from libra_edge.runtime.cuda.completion import Completion
from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.cuda.memory import SharedTensor
from libra_edge.runtime.cuda.stream import Priority, Stream
from libra_edge.runtime.tensorrt_plan import TensorrtPlan

if TYPE_CHECKING:
    from libra_edge.tensorrt_library import tensorrt

MIN_RUNS, WARM_UP_RUNS = 20, 5
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class StageEngine:
    """An engine that was built of a graph: the plan, and what the inspector told of its layers."""

    graph: StageGraph
    plan: Path
    layers: Path


def tensorrt_layers(
    gpu: Gpu, trt: ModuleType, engines: Sequence[StageEngine], seconds: float
) -> tuple[StageLayers, ...]:
    """Of the engines of one system, in the order in which a plan or chunk runs them, for `seconds`.

    Raises PolicyFilesError (also for an engine without detailed layers), PlanError, EngineError.
    """
    known = [(read_engine_layers(built.layers), _flops(built.graph)) for built in engines]
    watched = [_Watched(gpu, trt, built) for built in engines]
    stream = Stream(gpu, "layers", Priority.HIGH)
    completion = Completion(stream)
    runs, until = 0, time.monotonic() + seconds
    with gpu.current():
        for one in watched:
            one.upload(stream)
        while runs < WARM_UP_RUNS + MIN_RUNS or time.monotonic() < until:
            for one in watched:
                one.enqueue(stream)
            completion.wait(PATIENCE_S)
            runs += 1
    return tuple(_stage(one, layers, flops, runs) for one, (layers, flops) in zip(watched, known, strict=True))


class _Watched:
    """An engine with a profiler on its execution, fed with zeros.

    Attributes:
        ms: layer -> its time in each run, in the order in which they came.
    """

    def __init__(self, gpu: Gpu, trt: ModuleType, built: StageEngine) -> None:
        self.graph = built.graph
        self.ms: dict[str, list[float]] = {}
        self._plan = TensorrtPlan(gpu, trt, built.graph.stage, built.plan)
        self._profiler = _profiler(trt, self.ms)
        self._plan.watch(self._profiler)
        self._given = {name: _place(gpu, *tensor) for name, tensor in self._plan.inputs.items()}
        self._gives = {name: _place(gpu, *tensor) for name, tensor in self._plan.outputs.items()}
        for name, place in {**self._given, **self._gives}.items():
            self._plan.bind(name, place.address)

    def upload(self, stream: Stream) -> None:
        for place in self._given.values():
            place.upload(stream)

    def enqueue(self, stream: Stream) -> None:
        for _ in range(self.graph.calls):
            self._plan.enqueue(stream.handle)


def _place(gpu: Gpu, dtype: str, shape: tuple[int, ...]) -> SharedTensor:
    """Zeros; numpy has no bfloat16, whose zero is that of any two bytes."""
    return SharedTensor(gpu, "uint16" if dtype == "bfloat16" else dtype, shape)


def _profiler(trt: ModuleType, times: dict[str, list[float]]) -> tensorrt.IProfiler:
    class Profiler(trt.IProfiler):  # type: ignore[misc, name-defined] # the module comes with the call
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            times.setdefault(layer_name, []).append(ms)

    return Profiler()


def _flops(graph: StageGraph) -> Mapping[str, int]:
    """By node, of one call."""
    try:
        costs = graph_costs(model_of(read_graph(graph.path), external=True))
    except ValueError as error:
        raise PolicyFilesError(graph.path, f"the graph {error}") from error
    return {cost.name: cost.flops or 0 for cost in costs}


def _stage(watched: _Watched, known: Sequence[EngineLayer], flops: Mapping[str, int], runs: int) -> StageLayers:
    graph, by_name = watched.graph, {layer.name: layer for layer in known}
    if not watched.ms:
        raise EngineError(graph.stage, "TensorRT's profiler told of no layer")
    layers = tuple(
        _layer(graph, name, by_name.get(name), flops, _run_ms(times, runs)) for name, times in watched.ms.items()
    )
    total_ms = sum(layer.ms or 0.0 for layer in layers)
    return StageLayers(
        graph.stage, layers, graph.calls, total_ms, profiler_us=0.0, part_of=DEVICE_STAGES[graph.product]
    )


def _run_ms(times: Sequence[float], runs: int) -> float:
    """Of all calls of a layer in one plan or chunk; the first runs find the GPU cold."""
    whole = np.array(times[: len(times) // runs * runs]).reshape(runs, -1).sum(axis=1)
    return middle_mean([float(one) for one in whole[WARM_UP_RUNS:]])


def _layer(graph: StageGraph, name: str, known: EngineLayer | None, flops: Mapping[str, int], run_ms: float) -> Layer:
    """A layer that the inspector does not name has a time, and nothing else."""
    if known is None:
        return Layer(graph.stage, name, "unknown", "unknown", run_ms, None, None)
    count = sum(flops.get(node, 0) for node in known.nodes)
    moved = None if known.bytes is None else float(graph.calls * known.bytes)
    return Layer(graph.stage, name, known.type, known.precision, run_ms, float(graph.calls * count), moved)

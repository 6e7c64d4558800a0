"""A GPU's peaks, measured on the spot: copies of rising size, and one large product in each precision on TensorRT."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper, save

from libra_edge.export.engine_builder import BuildSettings, build_plan
from libra_edge.export.graph import IR_VERSION
from libra_edge.export.progress import SilentProgress
from libra_edge.profiling.peaks import Peaks
from libra_edge.runtime.cuda.completion import Completion
from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.cuda.memory import DeviceMemory
from libra_edge.runtime.cuda.stream import Priority, Stream
from libra_edge.runtime.tensorrt_plan import TensorrtPlan

COPIED_BYTES = tuple(2**power for power in range(20, 29, 2))
"""Read and written together: 1 MiB to 256 MiB."""
SIDE = 4096
"""Of the matrices: large enough that starting a kernel is nothing beside it."""
PRECISIONS = ("int8", "fp16", "fp32")
AT_ONCE, TIMINGS = 5, 5
PATIENCE_S = 60.0
WORKSPACE_MB = 512
OPSET = 19
"""The first with FP16 scales."""


def gpu_peaks(gpu: Gpu, trt: ModuleType) -> Peaks:
    """Takes as long as building three engines of one layer. BF16 is as fast as FP16 on every GPU that has it.

    Raises EngineBuildError, PlanError, EngineError.
    """
    stream = Stream(gpu, "peaks", Priority.HIGH)
    completion = Completion(stream)
    with gpu.current():
        flops = {name: _product_per_s(gpu, trt, name, stream, completion) for name in PRECISIONS}
        source, target = (DeviceMemory(gpu, max(COPIED_BYTES) // 2).address for _ in range(2))
        bandwidth = tuple(
            (size, size / _best_s(lambda size=size: _copy(stream, target, source, size // 2), completion))  # type: ignore[misc]
            for size in COPIED_BYTES
        )
    return Peaks({**flops, "bf16": flops["fp16"]}, bandwidth)


def product_model(precision: str, side: int) -> ModelProto:
    """[side, side] x [side, side], the right side a weight, as TensorRT's strongly typed networks want it."""
    wide = np.float32 if precision == "fp32" else np.float16
    kind = TensorProto.FLOAT if precision == "fp32" else TensorProto.FLOAT16
    scale, zero = numpy_helper.from_array(wide(0.05), "scale"), numpy_helper.from_array(np.int8(0), "zero")
    if precision == "int8":
        nodes = [
            helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["small"], name="quantise"),
            helper.make_node("DequantizeLinear", ["small", "scale", "zero"], ["left"], name="left"),
            helper.make_node("DequantizeLinear", ["w", "scale", "zero"], ["right"], name="right"),
            helper.make_node("MatMul", ["left", "right"], ["y"], name="product"),
        ]
        weights = [numpy_helper.from_array(np.ones((side, side), np.int8), "w"), scale, zero]
    else:
        nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")]
        weights = [numpy_helper.from_array(np.ones((side, side), wide), "w")]
    given, gives = (helper.make_tensor_value_info(name, kind, [side, side]) for name in ("x", "y"))
    graph = helper.make_graph(nodes, "peak", [given], [gives], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _product_per_s(gpu: Gpu, trt: ModuleType, precision: str, stream: Stream, completion: Completion) -> float:
    with tempfile.TemporaryDirectory(prefix="libra-edge-peaks-") as scratch:
        graph, plan = Path(scratch) / "peak.onnx", Path(scratch) / "plan"
        save(product_model(precision, SIDE), graph)
        plan.write_bytes(build_plan(trt, graph, BuildSettings(WORKSPACE_MB), SilentProgress()).plan)
        product = TensorrtPlan(gpu, trt, f"peak in {precision}", plan)
        for name in ("x", "y"):
            product.bind(name, DeviceMemory(gpu, SIDE * SIDE * 4).address)
        return 2.0 * SIDE**3 / _best_s(lambda: product.enqueue(stream.handle), completion)


def _copy(stream: Stream, target: int, source: int, size: int) -> None:
    stream.gpu.call(stream.stage, "cuMemcpyDtoDAsync", target, source, size, stream.handle)


def _best_s(enqueue: Callable[[], None], completion: Completion) -> float:
    """Of one; the first time is not counted."""
    enqueue()
    completion.wait(PATIENCE_S)
    best = float("inf")
    for _ in range(TIMINGS):
        began = time.perf_counter()
        for _ in range(AT_ONCE):
            enqueue()
        completion.wait(PATIENCE_S)
        best = min(best, (time.perf_counter() - began) / AT_ONCE)
    return best

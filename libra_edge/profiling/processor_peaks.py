"""One core's peaks, measured on the spot: copies of rising size, and products through ONNX Runtime."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper, save

from libra_edge.export.graph import IR_VERSION
from libra_edge.profiling.peaks import Peaks
from libra_edge.runtime.engine_onnxruntime import OnnxRuntimeEngine

COPIED_BYTES = tuple(2**power for power in range(15, 29))
"""Read and written together: 32 KiB to 256 MiB."""
ONE_TIMING_BYTES = 2**25
PRODUCTS = ((256, 256, 256), (512, 512, 512), (384, 1536, 384), (256, 2048, 256))
"""Rows, depth, columns: different machines are at their best at different ones."""
CONVOLUTIONS = ((64, 28), (128, 14))
"""Channels, height and width."""
TIMINGS, PRODUCT_TIMINGS = 12, 20


def processor_peaks() -> Peaks:
    """In two or three seconds. Best of several timings: a peak is what the machine can do when it is let.

    Raises EngineError, PolicyFilesError.
    """
    copies = tuple((size, _copied_per_s(size)) for size in COPIED_BYTES)
    with tempfile.TemporaryDirectory(prefix="libra-edge-peaks-") as scratch:
        path = Path(scratch) / "peak.onnx"
        products = {name: max(_product_per_s(name, shape, path) for shape in PRODUCTS) for name in ("fp32", "int8")}
        flops = {**products, "fp32": max(products["fp32"], *(_convolution_per_s(one, path) for one in CONVOLUTIONS))}
    return Peaks(flops, tuple(_falling(copies)))


def _copied_per_s(size: int) -> float:
    """Of `size` bytes, half of them read and half written; what the calls themselves cost is taken off."""
    times = max(1, ONE_TIMING_BYTES // size)
    calls_s = _copies_s(1, times) if times > 1 else 0.0
    return times * size / (_copies_s(size // 2, times) - calls_s)


def _copies_s(size: int, times: int) -> float:
    source, target = (memoryview(bytearray(b"\1") * size) for _ in range(2))

    def copies() -> None:
        for _ in range(times):
            target[:] = source

    return _best_s(copies, TIMINGS)


def _falling(copies: tuple[tuple[int, float], ...]) -> Iterator[tuple[int, float]]:
    """Whoever moves little can do no worse than whoever moves much: what a disturbed timing says less is lifted."""
    for index, (size, _) in enumerate(copies):
        yield size, max(rate for _, rate in copies[index:])


def _product_per_s(precision: str, shape: tuple[int, int, int], path: Path) -> float:
    """With a constant right side, as a layer has it."""
    return 2.0 * math.prod(shape) / _best_run_s(product_model(precision, shape), path)


def _convolution_per_s(shape: tuple[int, int], path: Path) -> float:
    """ONNX Runtime's FP32 convolutions are faster than its products."""
    channels, size = shape
    return 2.0 * (channels * size * 3) ** 2 / _best_run_s(convolution_model(channels, size), path)


def _best_run_s(model: ModelProto, path: Path) -> float:
    save(model, path)
    engine = OnnxRuntimeEngine("peak", path)
    feed = {name: np.ones(shape, dtype) for name, (dtype, shape) in engine.inputs.items()}
    engine.run(feed)
    return _best_s(lambda: engine.run(feed), PRODUCT_TIMINGS)


def product_model(precision: str, shape: tuple[int, int, int]) -> ModelProto:
    """[rows, depth] x [depth, columns], the right side a weight; `precision` is `fp32` or `int8`."""
    rows, depth, columns = shape
    weight = np.ones((depth, columns), np.int8 if precision == "int8" else np.float32)
    weights = [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(np.float32(0.5), "scale")]
    if precision == "int8":
        nodes = [
            helper.make_node("MatMulInteger", ["x", "w"], ["sum"], name="product"),
            helper.make_node("Cast", ["sum"], ["float"], name="cast", to=TensorProto.FLOAT),
            helper.make_node("Mul", ["float", "scale"], ["y"], name="scaled"),
        ]
    else:
        nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")]
    element = TensorProto.UINT8 if precision == "int8" else TensorProto.FLOAT
    left = helper.make_tensor_value_info("x", element, [rows, depth])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, columns])
    return _model(nodes, left, out, weights)


def convolution_model(channels: int, size: int) -> ModelProto:
    """3 x 3, from so many channels to as many."""
    weight = numpy_helper.from_array(np.ones((channels, channels, 3, 3), np.float32), "w")
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="convolution", pads=[1] * 4)
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, size, size]) for name in "xy"]
    return _model([node], tensors[0], tensors[1], [weight])


def _model(
    nodes: list[NodeProto], given: ValueInfoProto, gives: ValueInfoProto, weights: list[TensorProto]
) -> ModelProto:
    graph = helper.make_graph(nodes, "peak", [given], [gives], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=IR_VERSION)


def _best_s(run: Callable[[], object], timings: int) -> float:
    best = float("inf")
    for _ in range(timings):
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
    return best

"""Planner to INT8: explicit Q/DQ pairs, weights symmetric per channel, activations symmetric, biases left in FP32."""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from libra_edge.export.layers import separate_biases, weighted_layers
from libra_edge.export.progress import Progress

Feed = dict[str, NDArray[Any]]


def to_int8(model: ModelProto, feeds: Iterable[Feed], progress: Progress) -> ModelProto:
    """Quantise every Conv, MatMul and Gemm that multiplies by a weight; ranges come from `feeds`."""
    separated = separate_biases(model)
    with tempfile.TemporaryDirectory(prefix="libra-edge-int8-") as scratch, _no_advice():
        written = Path(scratch) / "int8.onnx"
        quantize_static(
            separated,
            written,
            _Reader(feeds, progress),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=weighted_layers(separated),
            op_types_to_quantize=["Conv", "MatMul"],
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "QuantizeBias": False,
                "DedicatedQDQPair": True,
                "OpTypesToExcludeOutputQuantization": ["MatMul"],
            },
        )
        return _with_quantisers_apart(onnx.load(written))


def _with_quantisers_apart(model: ModelProto) -> ModelProto:
    """Give every layer a quantiser of its own where several read one tensor: scales a rounding error apart.

    ONNX Runtime merges equal quantisers. One that feeds several layers it does not turn to UINT8, which x86 needs, and
    those layers would run in FP32.
    """
    scales = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    readers = {node.input[0]: node for node in model.graph.node if node.op_type == "DequantizeLinear"}
    seen: Counter[str] = Counter()
    for node in model.graph.node:
        if node.op_type != "QuantizeLinear":
            continue
        scale = node.input[1]
        steps, seen[scale] = seen[scale], seen[scale] + 1
        if steps:
            moved = f"{scale}_{steps}"
            value = scales[scale] * (np.float32(1) + np.float32(steps) * np.finfo(np.float32).eps)
            model.graph.initializer.append(numpy_helper.from_array(value, moved))
            node.input[1] = readers[node.output[0]].input[1] = moved
    return model


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Hands the calibrator one feed after the other."""

    def __init__(self, feeds: Iterable[Feed], progress: Progress) -> None:
        self._feeds = iter(feeds)
        self._progress = progress

    def get_next(self) -> Feed | None:
        feed = next(self._feeds, None)
        if feed is not None:
            self._progress.advance()
        return feed


@contextmanager
def _no_advice() -> Iterator[None]:
    """Silence the library's advice to pre-process the model, which is what `separate_biases` is for."""
    root = logging.getLogger()
    silenced = _Silence()
    root.addFilter(silenced)
    try:
        yield
    finally:
        root.removeFilter(silenced)


class _Silence(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "pre-processing before quantization" not in record.getMessage()

"""Ways to quantise the shipped planner, side by side: ours with each way to set ranges, and onnxruntime.quantization.

    python benchmarks/quantisers.py [MODEL_DIR]

All in the one form that TensorRT takes too: symmetric, per channel, no INT32 biases. Accuracy is on held-out samples;
times are processor time of one thread, FP32 and quantised in turns. The last line is one JSON object.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from libra_edge.export.agreement import compare_logits
from libra_edge.export.checked_model import MOST_SAMPLES, CheckedModel, SampleChoice, check_model
from libra_edge.export.conversion import int8_graph
from libra_edge.export.graph import write_graph
from libra_edge.export.int8 import watched
from libra_edge.export.int8_tuning import WAYS
from libra_edge.export.latency import measure_latency
from libra_edge.export.layers import weighted_layers
from libra_edge.export.outcome import planner_logits
from libra_edge.export.policy_graphs import PlannerGraph
from libra_edge.export.progress import SilentProgress
from libra_edge.export.ranges import Activation, observe
from libra_edge.export.session import Feed
from libra_edge.locate import model_directory_path
from libra_edge.model_directory import open_model_directory

SILENT = SilentProgress()


class Feeds(CalibrationDataReader):  # type: ignore[misc]
    """Calibration samples for onnxruntime.quantization."""

    def __init__(self, feeds: list[Feed]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._feeds, None)


def with_onnxruntime(model: CheckedModel, feeds: list[Feed], out: Path) -> None:
    """The library's own recipe, in TensorRT's form."""
    quantize_static(
        model.directory.graph("planner"),
        out,
        Feeds(feeds),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv", "MatMul", "Gemm"],
        extra_options={"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
    )


def ways(
    model: CheckedModel, feeds: list[Feed], activations: dict[str, Activation]
) -> dict[str, Callable[[Path], object]]:
    """Name -> what writes a quantised planner to a path."""
    layers = [layer.name for layer in weighted_layers(model.planner)]
    ours: dict[str, Callable[[Path], object]] = {
        f"ours, {way.label}": lambda path, way=way: write_graph(  # type: ignore[misc]
            int8_graph(model.planner, "cpu", layers, way, activations), path
        )
        for way in WAYS
    }
    return {**ours, "onnxruntime.quantization, min-max": lambda path: with_onnxruntime(model, feeds, path)}


def measure(model: CheckedModel, path: Path, seconds: float) -> dict[str, float]:
    """Accuracy and speed of a quantised planner."""
    rows = model.samples.rows(held_out=True, limit=MOST_SAMPLES, seed=0)
    fp32, exported = model.open_planner(), PlannerGraph(path, model.directory.spec, model.fault)
    expected, found = (planner_logits(planner, model.samples, rows, SILENT) for planner in (fp32, exported))
    feed = model.samples.feed(int(rows[0]), fp32.inputs)
    latency = measure_latency(lambda: exported.logits(feed), lambda: fp32.logits(feed), SILENT, time.thread_time)
    agreement = compare_logits(expected, found)
    return {
        "exact": agreement.exact,
        "within_one": agreement.within_one,
        "error": agreement.error,
        "ms": latency.ms,
        "ms_fp32": latency.ms_fp32,
        "seconds": seconds,
        "bytes": path.stat().st_size,
    }


def main() -> None:
    """Quantise, measure, print."""
    logging.disable(logging.WARNING)
    directory = open_model_directory(model_directory_path(sys.argv[1] if len(sys.argv) > 1 else "libra_base"))
    model = check_model(directory, SampleChoice(), SILENT)
    rows = model.samples.rows(held_out=False, limit=MOST_SAMPLES, seed=0)
    feeds = [model.samples.feed(int(row), directory.spec.planner_inputs()) for row in rows]
    activations = observe(model.planner, watched(model.planner, weighted_layers(model.planner)), feeds, SILENT)
    figures = {}
    with tempfile.TemporaryDirectory(prefix="libra-edge-bench-") as folder:
        for name, write in ways(model, feeds, activations).items():
            begin = time.monotonic()
            write(Path(folder, "planner.onnx"))
            figures[name] = found = measure(model, Path(folder, "planner.onnx"), time.monotonic() - begin)
            print(
                f"{name:36} exact {found['exact']:.4f}  within one {found['within_one']:.4f}"
                f"  error {found['error']:.4f}  {found['ms']:.2f} ms (FP32 {found['ms_fp32']:.2f})",
                file=sys.stderr,
            )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

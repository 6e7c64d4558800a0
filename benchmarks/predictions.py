"""Predicts three graphs on this processor from its own measured peaks, and afterwards measures them.

    python -m benchmarks.predictions predict [--out benchmarks/operators/predicted.json]
    python -m benchmarks.predictions measure [--against benchmarks/operators/predicted.json]

No coefficient was fitted on any of the three: libra_base's planner in INT8, a ViT-Ti/16 and a ResNet-18 in FP32. What
`predict` writes is committed before `measure` runs. One thread; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from onnx import save

from benchmarks.operators.models import resnet18, vit_tiny
from libra_edge.bundle import open_bundle
from libra_edge.export.graph_file import read_graph
from libra_edge.locate import bundle_path
from libra_edge.profiling.cost_model import expected_seconds, onnxruntime_costs
from libra_edge.profiling.executed_work import on_onnxruntime
from libra_edge.profiling.node_work import node_work
from libra_edge.profiling.onnx_profile import middle_mean
from libra_edge.profiling.processor_peaks import processor_peaks
from libra_edge.runtime.engine_onnxruntime import OnnxRuntimeEngine

HERE = Path(__file__).resolve().parent / "operators" / "predicted.json"
MODEL = "libra_base"
ROUNDS, RUNS, WARM_UP = 10, 20, 3
BAR_PERCENT = 30.0


@contextmanager
def graphs() -> Iterator[dict[str, Path]]:
    """Where the three lie."""
    with tempfile.TemporaryDirectory(prefix="libra-edge-bench-") as folder:
        files = {"vit_tiny": Path(folder) / "vit_tiny.onnx", "resnet18": Path(folder) / "resnet18.onnx"}
        save(vit_tiny(), files["vit_tiny"])
        save(resnet18(), files["resnet18"])
        planner = open_bundle(bundle_path(MODEL)).policy_files("cpu").graph("planner")
        yield {"libra_base planner": planner, **files}


def predict() -> dict[str, Any]:
    """Milliseconds of one run of each, from peaks measured now."""
    peaks, costs = processor_peaks(), onnxruntime_costs()
    with graphs() as files:
        expected = {
            name: 1e3 * expected_seconds(on_onnxruntime(node_work(read_graph(path))), peaks, costs)
            for name, path in files.items()
        }
    return {
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        "onnxruntime": ort.__version__,
        "python": platform.python_version(),
        "peaks": {"flops": dict(peaks.flops), "bandwidth": [list(pair) for pair in peaks.bandwidth]},
        "predicted_ms": expected,
    }


def measure(predicted_ms: dict[str, float]) -> dict[str, Any]:
    """The graphs in turns; of each the fastest round's middle mean, as the coefficients were measured."""
    with graphs() as files:
        engines = {name: OnnxRuntimeEngine(name, path) for name, path in files.items()}
        taken: dict[str, list[float]] = {name: [] for name in engines}
        for _ in range(ROUNDS):
            for name, engine in engines.items():
                taken[name].append(_round_ms(engine))
    rows = {
        name: {
            "predicted_ms": predicted_ms[name],
            "measured_ms": min(times),
            "median_ms": float(np.median(times)),
            "error_percent": 100 * (predicted_ms[name] / min(times) - 1),
        }
        for name, times in taken.items()
    }
    within = sum(abs(row["error_percent"]) <= BAR_PERCENT for row in rows.values())
    return {"graphs": rows, "within_30_percent": within}


def _round_ms(engine: OnnxRuntimeEngine) -> float:
    random = np.random.default_rng(0)
    feed = {name: random.integers(0, 2, shape).astype(dtype) for name, (dtype, shape) in engine.inputs.items()}
    times = []
    for _ in range(WARM_UP + RUNS):
        began = time.perf_counter()
        engine.run(feed)
        times.append(1e3 * (time.perf_counter() - began))
    return middle_mean(times[WARM_UP:])


def main() -> None:
    """Do the one or the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("predict", "measure"), nargs="?", default="measure")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--against", type=Path, default=HERE)
    options = parser.parse_args()
    if options.step == "predict":
        figures = predict()
        options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    else:
        figures = measure(json.loads(options.against.read_text(encoding="utf-8"))["predicted_ms"])
        for name, row in figures["graphs"].items():
            predicted, measured, off = (row[key] for key in ("predicted_ms", "measured_ms", "error_percent"))
            print(f"{name}: predicted {predicted:.2f} ms, measured {measured:.2f} ms ({off:+.0f} %)")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

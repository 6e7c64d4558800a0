"""A planner of about 100 million parameters, random weights, on this CPU: FP32 beside INT8, in turns in one run.

    python benchmarks/planner_100m.py [--parameters 1e8] [--rounds 30]

With one thread and with two. Needs half a gigabyte of disk; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort

from libra_edge.calibration.samples import CalibrationSamples, read_samples
from libra_edge.export.exporter import ExportOptions, export_model
from libra_edge.export.progress import SilentProgress
from libra_edge.model_directory import ModelDirectory, open_model_directory

ROOT = Path(__file__).resolve().parents[1]
THREADS = (1, 2)
WARM_UP = 3


def write_model(out: Path, parameters: float) -> int:
    """How many parameters the planner got."""
    command = [sys.executable, "-m", "training.synthetic_model", "--parameters", str(parameters), "--out", str(out)]
    written = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(json.loads(written.splitlines()[-1])["parameters"])


def open_session(graph: Path, threads: int) -> ort.InferenceSession:
    """As the runtime loads a graph, but for the threads."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def in_turns(graphs: dict[str, Path], samples: CalibrationSamples, threads: int, rounds: int) -> dict[str, float]:
    """p50 of each graph in ms, and how many times faster the second is."""
    sessions = {name: open_session(path, threads) for name, path in graphs.items()}
    inputs = [tensor.name for tensor in sessions["fp32"].get_inputs()]
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for count in range(WARM_UP + rounds):
        feed = samples.feed(count % len(samples.holdout), inputs)
        for name, session in sessions.items():
            begin = time.perf_counter()
            session.run(None, feed)
            times[name].append((time.perf_counter() - begin) * 1e3)
    medians = {f"{name}_ms": float(np.median(taken[WARM_UP:])) for name, taken in times.items()}
    return {**medians, "speed_up": medians["fp32_ms"] / medians["int8_ms"]}


def bytes_of(graph: Path) -> int:
    """The graph's file and its external data."""
    return sum(file.stat().st_size for file in graph.parent.glob(f"{graph.name}*"))


def measure(model: ModelDirectory, bundle: Path, rounds: int) -> dict[str, object]:
    """Export the model to `bundle` and compare both planners."""
    result = export_model(model, ExportOptions(bundle, targets=("cpu",)), SilentProgress())
    assert result.sha256, f"gates failed: {result.failed}"
    graphs = {"fp32": model.graph("planner"), "int8": bundle / "cpu" / "planner.onnx"}
    samples = read_samples(model.calibration, model.spec)
    sizes = {name: bytes_of(path) for name, path in graphs.items()}
    return {
        "bytes": sizes,
        "bytes_ratio": sizes["int8"] / sizes["fp32"],
        "gates": {gate.name: gate.value for gate in result.manifest.gates},
        "threads": {str(threads): in_turns(graphs, samples, threads, rounds) for threads in THREADS},
    }


def main() -> None:
    """Write, export, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parameters", type=float, default=1e8)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="libra-edge-bench-") as folder:
        path = Path(folder)
        parameters = write_model(path / "model", options.parameters)
        figures = measure(open_model_directory(path / "model"), path / "bundle", options.rounds)
    threads = figures["threads"]
    assert isinstance(threads, dict)
    for count, taken in threads.items():
        print(f"{count} threads: FP32 {taken['fp32_ms']:.1f} ms, INT8 {taken['int8_ms']:.1f} ms (p50)")
    print(json.dumps({"parameters": parameters, **figures}))


if __name__ == "__main__":
    main()

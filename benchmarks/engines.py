"""Planner and refiner on this CPU, FP32 beside exported, in turns in one run; one thread each.

    python benchmarks/engines.py

Prints milliseconds and their ratio; the last line is one JSON object.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from libra_edge.bundle import Bundle, open_bundle
from libra_edge.calibration.samples import CalibrationSamples, read_samples
from libra_edge.locate import bundle_path, model_directory_path
from libra_edge.model_directory import ModelDirectory, open_model_directory
from libra_edge.runtime.engine_onnxruntime import OnnxRuntimeEngine

MODEL = "libra_base"
WARM_UP, ROUNDS = 20, 300
GRAPHS = ("planner", "refiner_encoder", "refiner_step")
Call = Callable[[], object]


def planner_call(path: Path, samples: CalibrationSamples) -> Call:
    """One plan."""
    engine = OnnxRuntimeEngine("planner", path)
    inputs = {name: samples.arrays[name][:1] for name in engine.inputs}
    return lambda: engine.run(inputs)


def refiner_call(encoder_path: Path, step_path: Path, samples: CalibrationSamples, steps: int) -> Call:
    """One chunk: the encoder once, the step graph `steps` times."""
    encoder, step = OnnxRuntimeEngine("refiner_encoder", encoder_path), OnnxRuntimeEngine("refiner_step", step_path)
    inputs = {name: samples.arrays[name][:1] for name in encoder.inputs}
    noise = samples.arrays["sample"][:1]

    def chunk() -> object:
        features, sample = encoder.run(inputs)["features"], noise
        for index in range(steps):
            step_inputs = {"features": features, "sample": sample, "step": np.array([index])}
            sample = step.run(step_inputs)["sample_next"]
        return sample

    return chunk


def in_turns(calls: dict[str, Call]) -> dict[str, dict[str, float]]:
    """p50 and p99 of each call, milliseconds; the calls take turns, so that the machine's mood is shared."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for count in range(WARM_UP + ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if count >= WARM_UP:
                times[name].append((time.perf_counter() - start) * 1e3)
    return {
        name: {"p50": float(np.percentile(taken, 50)), "p99": float(np.percentile(taken, 99)), "n": len(taken)}
        for name, taken in times.items()
    }


def calls_of(model: ModelDirectory, bundle: Bundle, samples: CalibrationSamples) -> dict[str, Call]:
    """The four calls under test."""
    steps = model.spec.policy.denoising_steps
    exported = {name: bundle.graph("cpu", name) for name in GRAPHS}
    return {
        "planner_fp32": planner_call(model.graph("planner"), samples),
        "planner_exported": planner_call(exported["planner"], samples),
        "refiner_fp32": refiner_call(model.graph("refiner_encoder"), model.graph("refiner_step"), samples, steps),
        "refiner_exported": refiner_call(exported["refiner_encoder"], exported["refiner_step"], samples, steps),
    }


def main() -> None:
    """Measure and print."""
    model = open_model_directory(model_directory_path(MODEL))
    bundle = open_bundle(bundle_path(MODEL))
    samples = read_samples(model.calibration, model.spec)
    result: dict[str, object] = dict(in_turns(calls_of(model, bundle, samples)))
    for system in ("planner", "refiner"):
        fp32, exported = result[f"{system}_fp32"], result[f"{system}_exported"]
        assert isinstance(fp32, dict)
        assert isinstance(exported, dict)
        result[f"{system}_speed_up"] = fp32["p50"] / exported["p50"]
        print(f"{system}: FP32 {fp32['p50']:.2f} ms, exported {exported['p50']:.2f} ms (p50, one thread)")
    print(json.dumps(result))


if __name__ == "__main__":
    main()

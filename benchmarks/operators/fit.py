"""Fits what ONNX Runtime loses of the ideal time, kind by kind, on graphs of single operators on this processor.

    python -m benchmarks.operators.fit [--out libra_edge/profiling/costs_onnxruntime.toml]

No graph of a model takes part. Prints how far the fit is off on its own graphs; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import tomli_w
from onnx import save
from rich.progress import track

from benchmarks.operators.chain import Chain
from benchmarks.operators.suite import Single, suite
from libra_edge.export.graph_file import read_graph
from libra_edge.profiling.cost_model import Coefficients, CostModel, expected_seconds, ideal_seconds
from libra_edge.profiling.executed_work import HEADS, Task, on_onnxruntime
from libra_edge.profiling.node_work import node_work
from libra_edge.profiling.onnx_profile import middle_mean
from libra_edge.profiling.peaks import Peaks
from libra_edge.profiling.processor_peaks import processor_peaks

HEADER = """\
# What ONNX Runtime {version} loses of the ideal time on one core, by kind of work: see cost_model.py.
# Fitted on graphs of single operators by `python -m benchmarks.operators.fit`, on an Intel Xeon with AVX-512 and AMX.

"""
RUNS, ROUNDS, WARM_UP = 30, 3, 5
ROUNDS_OF_FIT = 200


@dataclass(frozen=True, slots=True)
class Timed:
    """A graph of the suite, what is executed of it, and how long it took, s."""

    kind: str
    tasks: tuple[Task, ...]
    seconds: float


def timed(single: Single, path: Path, run_s: float) -> Timed:
    """Without what a run costs anyway."""
    save(single.model, path)
    tasks = on_onnxruntime(node_work(read_graph(path)))
    return Timed(single.kind, tasks, max(1e-7, run_seconds(path, optimised=single.optimised) - run_s))


def run_seconds(path: Path, *, optimised: bool) -> float:
    """Of one run, one thread as the runtime uses."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    feed = {given.name: np.random.default_rng(0).standard_normal(given.shape).astype(np.float32)}
    return min(_round_seconds(session, feed) for _ in range(ROUNDS))


def _round_seconds(session: ort.InferenceSession, feed: dict[str, object]) -> float:
    times = []
    for _ in range(RUNS + WARM_UP):
        began = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - began)
    return middle_mean(times[WARM_UP:])


def empty_run_seconds(path: Path) -> float:
    """A graph that does nothing."""
    chain = Chain([1, 1])
    chain.node("Identity", chain.last)
    save(chain.model(), path)
    return run_seconds(path, optimised=False)


def fit(graphs: Sequence[Timed], peaks: Peaks) -> dict[str, Coefficients]:
    """Kind by kind in the suite's order, what was fitted before taken as known within what comes after."""
    found: dict[str, Coefficients] = {}
    for kind in dict.fromkeys(graph.kind for graph in graphs):
        found[kind] = _fit_kind([graph for graph in graphs if graph.kind == kind], kind, found, peaks)
    return found


def _fit_kind(graphs: Iterable[Timed], kind: str, known: dict[str, Coefficients], peaks: Peaks) -> Coefficients:
    rows, times = [], []
    for graph in graphs:
        weights = sum(task.weight_bytes for task in graph.tasks)
        own = [task for task in graph.tasks if _kind(task) not in known]
        rest = CostModel(combine="sum", kinds=known)
        others = sum(rest.seconds(task, peaks, weights) for task in graph.tasks if _kind(task) in known)
        ideals = [ideal_seconds(task, peaks, weights) for task in own]
        row = [sum(getattr(i, part) for i in ideals) for part in ("compute", "weights", "tensors")] + [1e-6 * len(own)]
        rows.append(np.array(row) / graph.seconds)
        times.append(max(0.0, 1.0 - others / graph.seconds))
    if kind == "view":  # no work of its own, whatever lies in it
        rows = [row * [0, 0, 0, 1] for row in rows]
    compute, weights_, tensors, constant = (round(float(x), 4) for x in _non_negative(np.array(rows), np.array(times)))
    return Coefficients(compute=compute, weights=weights_, tensors=tensors, constant_us=constant)


def _kind(task: Task) -> str:
    return f"{task.kind}.{task.precision}" if task.kind in HEADS else task.kind


def _non_negative(rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Least squares of the relative error without a coefficient below 0, one coefficient after the other."""
    x = np.zeros(rows.shape[1])
    for _ in range(ROUNDS_OF_FIT):
        for column in range(rows.shape[1]):
            direction = rows[:, column]
            if direction @ direction > 0:
                left = wanted - rows @ x + direction * x[column]
                x[column] = max(0.0, direction @ left / (direction @ direction))
    return x


def errors(graphs: Sequence[Timed], peaks: Peaks, model: CostModel) -> dict[str, list[float]]:
    """Expected over measured less 1, by kind."""
    found: dict[str, list[float]] = defaultdict(list)
    for graph in graphs:
        found[graph.kind].append(expected_seconds(graph.tasks, peaks, model) / graph.seconds - 1)
    return dict(found)


def main() -> None:
    """Measure, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="TOML file to write [default: none]")
    out: Path | None = parser.parse_args().out
    peaks = processor_peaks()
    with tempfile.TemporaryDirectory(prefix="libra-edge-bench-") as folder:
        path = Path(folder) / "single.onnx"
        run_s = empty_run_seconds(path)
        graphs = [timed(single, path, run_s) for single in track(list(suite()), "Timing single operators")]
    model = CostModel(combine="sum", run_us=round(run_s * 1e6, 2), kinds=fit(graphs, peaks))
    off = errors(graphs, peaks, CostModel(combine="sum", kinds=model.kinds))
    for kind, found in off.items():
        median, most = np.median(np.abs(found)), np.max(np.abs(found))
        print(f"{kind}: {model.kinds[kind]}; off by {median:.0%} at the median, {most:.0%} at most")
    if out is not None:
        out.write_text(HEADER.format(version=ort.__version__) + tomli_w.dumps(model.model_dump()), encoding="utf-8")
    print(json.dumps({"flops": dict(peaks.flops), "bandwidth": peaks.bandwidth, "off": off}))


if __name__ == "__main__":
    main()

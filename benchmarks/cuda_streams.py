"""What two streams are worth on this GPU: the refiner's latency alone, beside the planner, and behind it.

The planner and the refiner here are chains of matrix products of our own, about as long as the real ones, run by the
same code that runs TensorRT's engines (`runtime/cuda`). Without an NVIDIA GPU it says so and measures nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gpu_clock import GpuClock
from gpu_kernels import Products

from libra_edge.cuda_device import first_cuda_device
from libra_edge.errors import InputError
from libra_edge.profiling.system_calls import spans_of
from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.cuda.job import Job
from libra_edge.runtime.cuda.library import load_cuda
from libra_edge.runtime.cuda.memory import SharedTensor
from libra_edge.runtime.cuda.stream import Priority, Stream
from libra_edge.runtime.worker_thread import WorkerThread

PLANNER = {"rows": 1024, "width": 2048, "products": 24}
REFINER = {"rows": 512, "width": 512, "products": 20}
PICTURE_BYTES = 3 * 640 * 480
PERIOD_S = 0.025
"""Between the beginnings of two refinements."""


def main() -> None:
    """Print one JSON object."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--chunks", type=int, default=400, help="refinements a setting")
    options.add_argument("--picture", type=Path, help="draw the latencies here")
    given = options.parse_args()
    try:
        device = first_cuda_device()
        gpu = Gpu(load_cuda())
    except InputError as error:
        print(json.dumps({"skipped": str(error)}))
        return
    with closing(gpu):
        settings = {name: measure(gpu, given.chunks) for name, measure in SETTINGS.items()}
        result = {"device": device.name, "chunks": given.chunks, "priorities": [gpu.lowest, gpu.highest]}
        latencies = {name: values for name, (values, _) in settings.items()}
        if given.picture:
            draw(latencies, given.picture, device.name)
        print(
            json.dumps(
                {
                    **result,
                    "refiner_ms": {name: summary(values) for name, values in latencies.items()},
                    "plans_a_second": {name: round(rate, 1) for name, (_, rate) in settings.items()},
                    "refiner_p99_beside_planner_to_alone": ratio(latencies, "beside, low priority", "alone"),
                    "graph": graph_or_pieces(gpu, given.chunks),
                    "phases_ms": phases(gpu, given.chunks),
                    "copy_us": copies(gpu),
                }
            )
        )


def job_of(
    gpu: Gpu, name: str, priority: Priority, shape: dict[str, int], clock: GpuClock | None = None
) -> tuple[Job, dict[str, Any]]:
    """The job and inputs for it."""
    products = Products(gpu, **shape)
    size = (shape["rows"], shape["width"])
    given, gives = (SharedTensor(gpu, "float32", size) for _ in range(2))
    products.input_address, products.output_address = given.address, gives.address
    x = np.random.default_rng(1).standard_normal(size).astype(np.float32)
    work = products.enqueue if clock is None else clock.around(products.enqueue)
    return Job(Stream(gpu, name, priority), {"x": given}, {"y": gives}, work), {"x": x}


async def refine_beside(
    refiner: Callable[[], Any], planner: Callable[[], Any] | None, chunks: int, *, one_thread: bool = False
) -> tuple[list[float], float]:
    """Milliseconds from asking to the answer on the event loop, for each chunk; and plans a second."""
    loop = asyncio.get_running_loop()
    hands = WorkerThread("refiner")
    other = hands if one_thread else WorkerThread("planner")
    plans, done = 0, asyncio.Event()

    async def plan() -> None:
        nonlocal plans
        while planner is not None and not done.is_set():
            await other.run(planner)
            plans += 1

    planning = asyncio.create_task(plan())
    latencies, began = [], loop.time()
    for number in range(chunks):
        await asyncio.sleep(max(0.0, began + number * PERIOD_S - loop.time()))
        asked = time.perf_counter()
        await hands.run(refiner)
        latencies.append((time.perf_counter() - asked) * 1e3)
    seconds = loop.time() - began
    done.set()
    await planning
    hands.close()
    other.close()
    return latencies, plans / seconds


def measured(gpu: Gpu, chunks: int, *, planner: Priority | None, one_thread: bool = False) -> tuple[list[float], float]:
    """Refine on the high-priority stream with the planner on one of this priority, or without it."""
    refine, noise = job_of(gpu, "refiner", Priority.HIGH, REFINER)
    ask_planner = None
    if planner is not None:
        plan, pictures = job_of(gpu, "planner", planner, PLANNER)
        ask_planner = partial(plan.run, pictures)
    return asyncio.run(refine_beside(partial(refine.run, noise), ask_planner, chunks, one_thread=one_thread))


SETTINGS: dict[str, Callable[[Gpu, int], tuple[list[float], float]]] = {
    "alone": partial(measured, planner=None),
    "beside, low priority": partial(measured, planner=Priority.LOW),
    "beside, equal priority": partial(measured, planner=Priority.HIGH),
    "one after the other": partial(measured, planner=Priority.LOW, one_thread=True),
}


def graph_or_pieces(gpu: Gpu, runs: int) -> dict[str, float | None]:
    """A chunk as one graph, and kernel by kernel: in turns, from the call to the answer."""
    as_graph, noise = job_of(gpu, "refiner", Priority.HIGH, REFINER)
    pieces, _ = job_of(gpu, "refiner", Priority.HIGH, REFINER)
    pieces._graph = None
    times: dict[str, list[float]] = {"graph": [], "pieces": []}
    for _ in range(runs):
        for name, job in (("graph", as_graph), ("pieces", pieces)):
            began = time.perf_counter()
            job.run(noise)
            times[name].append((time.perf_counter() - began) * 1e3)
    return {f"{name}_ms_p50": round(float(np.median(values)), 4) for name, values in times.items()}


def phases(gpu: Gpu, runs: int) -> dict[str, float]:
    """Where a chunk's time goes as `profile` tells it, and what the GPU says itself of its share, p50 in ms."""
    clock = GpuClock(gpu)
    job, noise = job_of(gpu, "refiner", Priority.HIGH, REFINER, clock)
    found: dict[str, list[float]] = {}
    for _ in range(runs):
        job.run(noise)
        spans = {} if job.phases is None else {span.name: span.ms for span in spans_of(job.phases)}
        for name, value_ms in (*spans.items(), ("gpu_clock", clock.ms)):
            found.setdefault(name, []).append(value_ms)
    return {name: round(float(np.median(values)), 4) for name, values in found.items()}


def copies(gpu: Gpu) -> dict[str, float]:
    """How long the host is held up by an asynchronous copy of a picture to the GPU, p50: pinned, and pageable."""
    stream, place = Stream(gpu, "copies", Priority.LOW), SharedTensor(gpu, "uint8", (PICTURE_BYTES,))
    pageable = np.ones(PICTURE_BYTES, np.uint8)
    held: dict[str, list[float]] = {"pinned": [], "pageable": []}
    with gpu.current():
        target = gpu.call("copies", "cuMemAlloc", PICTURE_BYTES)
        for _ in range(200):
            for name, source in (("pinned", place.array), ("pageable", pageable)):
                began = time.perf_counter()
                gpu.call("copies", "cuMemcpyHtoDAsync", target, source.ctypes.data, PICTURE_BYTES, stream.handle)
                held[name].append((time.perf_counter() - began) * 1e6)
                gpu.call("copies", "cuStreamSynchronize", stream.handle)
        gpu.call("copies", "cuMemFree", target)
    return {name: round(float(np.median(values)), 2) for name, values in held.items()}


def summary(values: list[float]) -> dict[str, float | int]:
    """p50, p90, p99, max and n."""
    quantiles = {f"p{q}": round(float(np.percentile(values, q)), 3) for q in (50, 90, 99)}
    return {**quantiles, "max": round(max(values), 3), "n": len(values)}


def ratio(latencies: dict[str, list[float]], one: str, other: str) -> float:
    """Of the two settings' p99."""
    return round(float(np.percentile(latencies[one], 99) / np.percentile(latencies[other], 99)), 3)


def draw(latencies: dict[str, list[float]], path: Path, device: str) -> None:
    """The share of chunks that were ready within a time, a line a setting."""
    import matplotlib as mpl  # noqa: PLC0415 - slow, and only for the picture

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for name, values in latencies.items():
        axes.step(np.sort(values), np.arange(1, len(values) + 1) / len(values), where="post", label=name)
    axes.set(xlabel="a chunk is ready after, ms", ylabel="share of chunks", xscale="log", ylim=(0, 1.01))
    axes.set_title(f"The refiner's latency with and without the planner's load ({device})", loc="left")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.grid(alpha=0.3, which="both")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()

"""The streams on a real GPU, through the real pycuda and cuda-bindings. TensorRT is not needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from functools import partial
from operator import attrgetter

import numpy as np
import pytest

from benchmarks.gpu_clock import GpuClock
from benchmarks.gpu_kernels import Products
from libra_edge.cuda_device import first_cuda_device
from libra_edge.errors import EngineError, MissingDependencyError, MissingHardwareError
from libra_edge.messages import Float32
from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.cuda.job import Job
from libra_edge.runtime.cuda.library import load_cuda
from libra_edge.runtime.cuda.memory import DeviceMemory, SharedTensor
from libra_edge.runtime.cuda.stream import Priority, Stream
from libra_edge.runtime.worker_thread import WorkerThread
from tests.cuda.software_driver import names_of_the_driver
from tests.cuda.software_pycuda import NAMES

pytestmark = pytest.mark.gpu

SMALL = (32, 64, 6)
LONG = (2048, 2048, 60)
"""rows, width, products"""


@pytest.fixture
def gpu() -> Iterator[Gpu]:
    try:
        first_cuda_device()
        found = Gpu(load_cuda())
    except (MissingHardwareError, MissingDependencyError) as lack:
        pytest.skip(str(lack))
    yield found
    found.close()


def a_job(
    gpu: Gpu,
    shape: tuple[int, int, int],
    priority: Priority = Priority.HIGH,
    *,
    waits: bool = False,
    clock: GpuClock | None = None,
) -> tuple[Job, Products]:
    """`waits`: it waits for the stream inside, which no graph can hold."""
    products = Products(gpu, *shape)
    given, gives = (SharedTensor(gpu, "float32", shape[:2]) for _ in range(2))
    products.input_address, products.output_address = given.address, gives.address

    def enqueue(stream: int) -> None:
        if waits:
            gpu.call("test", "cuStreamSynchronize", stream)
        products.enqueue(stream)

    work = enqueue if clock is None else clock.around(enqueue)
    return Job(Stream(gpu, "test", priority), {"x": given}, {"y": gives}, work), products


def some(shape: tuple[int, int, int], seed: int = 3) -> Float32:
    return np.random.default_rng(seed).standard_normal(shape[:2]).astype(np.float32)


def test_the_stand_ins_have_no_name_that_the_real_modules_lack(gpu: Gpu) -> None:
    for name in names_of_the_driver():
        assert attrgetter(name)(gpu.cuda.driver) is not None
    for name in NAMES:
        assert attrgetter(name)(gpu.cuda.pycuda) is not None


def test_what_a_job_computes_is_right_and_new_inputs_give_new_outputs(gpu: Gpu) -> None:
    job, products = a_job(gpu, SMALL)
    assert job.in_one_graph
    for seed in (1, 2):
        x = some(SMALL, seed)
        right = x.astype(np.float64)
        for matrix in products.weights:
            right = right @ matrix
        np.testing.assert_allclose(job.run({"x": x})["y"], right, rtol=0, atol=1e-4 * np.abs(right).max())


def test_a_graph_gives_the_bits_that_the_pieces_give(gpu: Gpu, caplog: pytest.LogCaptureFixture) -> None:
    as_graph, _ = a_job(gpu, SMALL)
    with caplog.at_level(logging.WARNING):
        in_pieces, _ = a_job(gpu, SMALL, waits=True)
    assert as_graph.in_one_graph
    assert not in_pieces.in_one_graph
    assert "runs without a CUDA graph" in caplog.text
    x = some(SMALL)
    first = as_graph.run({"x": x})["y"]
    np.testing.assert_array_equal(as_graph.run({"x": x})["y"], first)
    np.testing.assert_array_equal(in_pieces.run({"x": x})["y"], first)


@pytest.mark.parametrize("in_one_graph", [True, False])
def test_the_gpus_share_of_a_run_holds_what_its_own_clock_says(gpu: Gpu, in_one_graph: bool) -> None:
    clock = GpuClock(gpu)
    job, _ = a_job(gpu, LONG, waits=not in_one_graph, clock=clock)
    assert job.in_one_graph == in_one_graph
    job.run({"x": some(LONG)})
    phases = job.phases
    assert phases is not None
    instants = (phases.began_ns, phases.updated_ns, phases.launched_ns, phases.done_ns, phases.ended_ns)
    assert list(instants) == sorted(instants)
    assert 0 < clock.ms <= 1.01 * (phases.done_ns - phases.updated_ns) / 1e6, "two clocks, up to 1 % apart"
    if in_one_graph:
        assert phases.launched_ns - phases.updated_ns < phases.done_ns - phases.launched_ns, (
            "a launch waits for nothing"
        )


def test_high_priority_comes_before_low(gpu: Gpu) -> None:
    assert gpu.highest < gpu.lowest
    for priority, level in ((Priority.HIGH, gpu.highest), (Priority.LOW, gpu.lowest)):
        assert gpu.call("test", "cuStreamGetPriority", Stream(gpu, "test", priority).handle) == level


def test_the_refiner_overtakes_a_long_plan_and_the_event_loop_goes_on(gpu: Gpu) -> None:
    plan, _ = a_job(gpu, LONG, Priority.LOW)
    refine, _ = a_job(gpu, SMALL, Priority.HIGH)

    async def both() -> tuple[list[str], int]:
        planner, refiner, order, turns = WorkerThread("planner"), WorkerThread("refiner"), [], 0

        async def done(name: str, hands: WorkerThread, job: Job, x: Float32) -> None:
            await hands.run(partial(job.run, {"x": x}))
            order.append(name)

        planning = asyncio.create_task(done("plan", planner, plan, some(LONG)))
        await asyncio.sleep(0.01)
        for _ in range(3):
            await done("chunk", refiner, refine, some(SMALL))
        while not planning.done():
            await asyncio.sleep(0.001)
            turns += 1
        planner.close()
        refiner.close()
        return order, turns

    order, turns = asyncio.run(both())
    assert order == ["chunk", "chunk", "chunk", "plan"]
    assert turns > 3


def test_more_memory_than_there_is_is_one_sentence(gpu: Gpu) -> None:
    with pytest.raises(EngineError, match="out of memory; close other programs"):
        DeviceMemory(gpu, 1 << 50)


def test_a_gpu_that_is_late_is_said_and_waited_for_before_the_next_run(gpu: Gpu) -> None:
    job, _ = a_job(gpu, LONG)
    job._patience_s = 0.001
    x = some(LONG)
    with pytest.raises(EngineError, match="has not finished within"):
        job.run({"x": x})
    job._patience_s = 60.0
    first = job.run({"x": x})["y"]
    np.testing.assert_array_equal(job.run({"x": x})["y"], first)

"""The two streams on the software GPU: one graph each, no stop of the host, and what happens when CUDA fails."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from libra_edge.bundle import open_bundle
from libra_edge.errors import EngineError, PlanError, PolicyFilesError
from libra_edge.policy_files import PolicyFiles
from libra_edge.runtime.worker_thread import WorkerThread
from tests.cuda.software_cuda import CudaFaults, SoftwareCuda
from tests.cuda.software_device import Device, Loaded, loaded_on
from tests.models import write_tiny_bundle

Inputs = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PolicyFiles:
    return open_bundle(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")).policy_files("cpu")


def inputs_of(tensors: Any) -> Inputs:
    """Some numbers, always the same."""
    generator = np.random.default_rng(5)
    return {name: generator.integers(0, 9, shape).astype(dtype) for name, (dtype, shape) in tensors.items()}


def chunk_of(loaded: Loaded) -> NDArray[Any]:
    inputs = inputs_of(loaded.denoiser._encoder.inputs)
    noise = inputs_of(loaded.denoiser._step.inputs)["sample"]
    return loaded.denoiser.denoise(inputs, noise)


def plan_of(loaded: Loaded) -> NDArray[Any]:
    return loaded.planner.run(inputs_of(loaded.planner.inputs))["logits"]


def test_a_chunk_with_all_its_steps_is_one_launch(files: PolicyFiles, tmp_path: Path) -> None:
    device = Device()
    with loaded_on(device, files, tmp_path) as loaded:
        assert loaded.denoiser.in_one_graph
        assert loaded.planner.in_one_graph
        device.cuda.launches.clear()
        chunk_of(loaded)
        assert device.cuda.launches == ["graph", "event"]
    assert device.cuda.violations == []


def test_the_refiner_has_the_highest_priority_and_the_planner_the_lowest(files: PolicyFiles, tmp_path: Path) -> None:
    device = Device(SoftwareCuda(CudaFaults(priorities=(3, -7))))
    with loaded_on(device, files, tmp_path):
        assert [stream.priority for stream in device.cuda.streams.values()] == [3, -7]


@pytest.mark.parametrize("who", ["driver", "instantiation", "TensorRT"])
def test_without_a_graph_the_same_is_computed_and_that_is_said(
    files: PolicyFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture, who: str
) -> None:
    with loaded_on(Device(), files, tmp_path) as loaded:
        as_graph = chunk_of(loaded)
    device = Device(
        SoftwareCuda(CudaFaults(refuses_capture=who == "driver", refuses_instantiation=who == "instantiation"))
    )
    device.faults.refuses_capture = who == "TensorRT"
    with caplog.at_level(logging.WARNING), loaded_on(device, files, tmp_path) as loaded:
        assert not loaded.denoiser.in_one_graph
        np.testing.assert_array_equal(chunk_of(loaded), as_graph)
        assert "graph" not in device.cuda.launches
    assert [record.message.partition(",")[0] for record in caplog.records] == [
        "planner runs without a CUDA graph",
        "refiner runs without a CUDA graph",
    ]


def spoilt(change: Callable[[Device], object]) -> Device:
    device = Device()
    change(device)
    return device


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        (lambda device: device.faults.shifts.update(image_front=1 << 40), EngineError, "touched a wrong address"),
        (
            lambda device: setattr(device.faults, "refuses_address_of", ["sample"]),
            EngineError,
            "no address for 'sample'",
        ),
        (lambda device: setattr(device.cuda.memory, "limit", 4096), EngineError, "out of memory; close other programs"),
        (lambda device: setattr(device.faults, "no_context", True), EngineError, "gives no execution context"),
        (lambda device: setattr(device.faults, "refuses_plans", True), PlanError, "cannot load"),
        (lambda device: setattr(device.faults, "on_the_host", ["logits"]), PolicyFilesError, "lie on the GPU"),
        (lambda device: device.faults.shapes.update(logits=(1, -1)), PolicyFilesError, "shapes must be fixed"),
    ],
)
def test_what_cannot_be_loaded_is_one_sentence_and_everything_is_given_back(
    files: PolicyFiles, tmp_path: Path, change: Callable[[Device], object], kind: type[Exception], sentence: str
) -> None:
    device = spoilt(change)
    with pytest.raises(kind, match=sentence), loaded_on(device, files, tmp_path):
        pass
    assert device.cuda.memory.blocks == {}


def test_a_gpu_that_is_late_costs_this_run_and_is_waited_for_by_the_next(files: PolicyFiles, tmp_path: Path) -> None:
    device, hold, going_on = Device(), threading.Event(), threading.Event()
    with loaded_on(device, files, tmp_path) as loaded:
        right = plan_of(loaded)

        def stall(graph: str) -> None:
            if hold.is_set():
                going_on.wait()

        device.faults.on_execute = stall
        loaded.planner._job._patience_s = 0.01
        hold.set()
        with pytest.raises(EngineError, match=r"the GPU has not finished within 0\.01 s"):
            plan_of(loaded)
        device.cuda.launches.clear()
        with pytest.raises(EngineError, match="the GPU has not finished"):
            plan_of(loaded)
        assert device.cuda.launches == [], "more was given to a GPU that hangs"
        hold.clear()
        going_on.set()
        loaded.planner._job._patience_s = 30.0
        np.testing.assert_array_equal(plan_of(loaded), right)
    assert device.cuda.violations == []


def test_the_refiner_is_ready_while_the_planner_thinks_and_the_event_loop_goes_on(
    files: PolicyFiles, tmp_path: Path
) -> None:
    device, thinking, may_end = Device(), threading.Event(), threading.Event()

    async def both(loaded: Loaded) -> bool:
        planner, refiner = WorkerThread("planner"), WorkerThread("refiner")
        plan = asyncio.create_task(planner.run(partial(plan_of, loaded)))
        while not thinking.is_set():
            await asyncio.sleep(0.001)
        for _ in range(3):
            await refiner.run(partial(chunk_of, loaded))
        alone = not plan.done()
        may_end.set()
        await plan
        planner.close()
        refiner.close()
        return alone

    with loaded_on(device, files, tmp_path) as loaded:

        def think(graph: str) -> None:
            if "planner" in graph:
                thinking.set()
                may_end.wait()

        device.faults.on_execute = think
        assert asyncio.run(both(loaded))
    assert device.cuda.violations == []


def test_the_stand_in_notices_a_wait_on_the_event_loop(files: PolicyFiles, tmp_path: Path) -> None:
    device = Device()

    async def wait_here(loaded: Loaded) -> None:
        with loaded.gpu.current():
            loaded.gpu.call("test", "cuEventSynchronize", loaded.planner._job._completion._event)

    with loaded_on(device, files, tmp_path) as loaded:
        asyncio.run(wait_here(loaded))
    assert device.cuda.violations == ["a wait on the event loop's thread"]

"""A policy's engines on the software GPU: TensorRT, pycuda and cuda-bindings, all of them stand-ins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from libra_edge.model_directory import GRAPHS
from libra_edge.policy_files import PolicyFiles
from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.cuda.library import CudaLibrary
from libra_edge.runtime.cuda.stream import Priority
from libra_edge.runtime.engine_tensorrt import TensorrtDenoiser, TensorrtEngine, load_plans
from tests.cuda.software_cuda import CudaFaults, SoftwareCuda
from tests.cuda.software_driver import software_driver
from tests.cuda.software_pycuda import software_pycuda
from tests.tensorrt.software_faults import Faults
from tests.tensorrt.software_tensorrt import VERSION, software_tensorrt

PATIENCE_S = 30.0


@dataclass
class Device:
    """What a test may spoil before it loads engines.

    Attributes:
        patience_s: longest wait for the GPU.
    """

    cuda: SoftwareCuda = field(default_factory=lambda: SoftwareCuda(CudaFaults()))
    faults: Faults = field(default_factory=Faults)
    patience_s: float = PATIENCE_S


@dataclass
class Loaded:
    """The two systems' engines, and the GPU that holds them."""

    gpu: Gpu
    planner: TensorrtEngine
    denoiser: TensorrtDenoiser


def write_plans(files: PolicyFiles, folder: Path) -> dict[str, Path]:
    """What the stand-in's builder would have built of these graphs."""
    plans = {name: folder / f"{name}.plan" for name in GRAPHS}
    for name, plan in plans.items():
        plan.write_text(json.dumps({"version": VERSION, "graph": str(files.graph(name))}), encoding="utf-8")
    return plans


@contextmanager
def loaded_on(device: Device, files: PolicyFiles, folder: Path) -> Iterator[Loaded]:
    """Engines as `load_systems` makes them; at the end the GPU is given back."""
    gpu = Gpu(CudaLibrary(software_pycuda(device.cuda), software_driver(device.cuda)))
    try:
        trt = software_tensorrt(device.faults, cuda=device.cuda)
        plans = load_plans(gpu, trt, files, write_plans(files, folder))
        planner = TensorrtEngine(gpu, plans["planner"], Priority.LOW, patience_s=device.patience_s)
        steps = files.spec.policy.denoising_steps
        encoder, step = plans["refiner_encoder"], plans["refiner_step"]
        denoiser = TensorrtDenoiser(gpu, encoder, step, steps, patience_s=device.patience_s)
        yield Loaded(gpu, planner, denoiser)
    finally:
        gpu.close()

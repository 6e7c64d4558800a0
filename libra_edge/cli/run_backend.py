"""What a policy is computed with: TensorRT on a Jetson, ONNX Runtime elsewhere, or what the user asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from libra_edge.bundle import Bundle
from libra_edge.cli.device_engines import engines_of
from libra_edge.cuda_device import first_cuda_device
from libra_edge.runtime.cuda.library import load_cuda
from libra_edge.runtime.engine_watch import UNWATCHED, EngineWatch
from libra_edge.runtime.load_systems import Systems, load_systems
from libra_edge.tensorrt_library import load_tensorrt

Backend = Literal["onnxruntime", "tensorrt"]
Target = Literal["cpu", "tensorrt"]

BACKENDS = ("auto", "onnxruntime", "tensorrt")
JETSON = Path("/etc/nv_tegra_release")


def chosen_backend(asked: str) -> Backend:
    """One of BACKENDS as what it stands for on this machine."""
    if asked == "auto":
        return "tensorrt" if JETSON.exists() else "onnxruntime"
    return "tensorrt" if asked == "tensorrt" else "onnxruntime"


def target_of(backend: Backend) -> Target:
    """Which of a bundle's targets has the graphs for it."""
    return "tensorrt" if backend == "tensorrt" else "cpu"


def load_on(backend: Backend, bundle: Bundle, watch: EngineWatch = UNWATCHED) -> Systems:
    """The bundle's two systems; TensorRT's engines are built first where they are missing, with a bar for each.

    Raises BundleError, PolicyFilesError; for TensorRT also MissingHardwareError, MissingDependencyError,
    EngineBuildError, EngineCacheError and EngineError.
    """
    files = bundle.policy_files(target_of(backend))
    if backend == "onnxruntime":
        return load_systems(files, watch=watch)
    first_cuda_device()
    load_tensorrt(), load_cuda()  # what is missing is said before minutes are spent on building
    return load_systems(files, {name: engine.plan for name, engine in engines_of(bundle).items()}, watch)

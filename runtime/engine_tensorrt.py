"""Engines on TensorRT, each on a stream of its own; the whole of the refiner is one CUDA graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.errors import PolicyFilesError
from libra_edge.messages import Float32
from libra_edge.model_directory import GRAPHS
from libra_edge.policy_files import PolicyFiles
from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.cuda.job import PATIENCE_S, Job
from libra_edge.runtime.cuda.job_phases import JobPhases
from libra_edge.runtime.cuda.memory import DeviceMemory, SharedTensor
from libra_edge.runtime.cuda.stream import Priority, Stream
from libra_edge.runtime.engine_inputs import check_inputs
from libra_edge.runtime.engines import check_signatures
from libra_edge.runtime.tensorrt_plan import TensorrtPlan

BYTES = {"bfloat16": 2}
"""Of the types that numpy does not know."""


class TensorrtEngine:
    """One plan on one stream. See `Engine`.

    Attributes:
        name: stage name for messages.
        inputs, outputs: name -> (numpy dtype name, shape).
        in_one_graph: False if CUDA refused to capture it.
    """

    def __init__(self, gpu: Gpu, plan: TensorrtPlan, priority: Priority, *, patience_s: float = PATIENCE_S) -> None:
        """Raises EngineError."""
        self.name = plan.name
        self.inputs = plan.inputs
        self.outputs = plan.outputs
        stream = Stream(gpu, plan.name, priority)
        given, gives = (_bound(gpu, plan, tensors) for tensors in (plan.inputs, plan.outputs))
        self._job = Job(stream, given, gives, plan.enqueue, patience_s=patience_s)
        self.in_one_graph = self._job.in_one_graph

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run once. Raises EngineError if an input does not fit, or the GPU fails or is late."""
        check_inputs(self.name, self.inputs, inputs)
        return self._job.run(inputs)

    @property
    def phases(self) -> JobPhases | None:
        """Of the last run; None before the first."""
        return self._job.phases


class TensorrtDenoiser:
    """Encoder and k denoising steps, one after the other on one stream without the CPU between them. See `Denoiser`.

    The steps read the features where the encoder writes them. The sample goes to and fro between two places.

    Attributes:
        in_one_graph: False if CUDA refused to capture it.
    """

    def __init__(
        self, gpu: Gpu, encoder: TensorrtPlan, step: TensorrtPlan, steps: int, *, patience_s: float = PATIENCE_S
    ) -> None:
        """`steps` is k. Raises EngineError."""
        self._encoder = encoder
        self._step = step
        self._inputs = {**encoder.inputs, "sample": step.inputs["sample"]}
        stream = Stream(gpu, "refiner", Priority.HIGH)
        features = DeviceMemory(gpu, _size(encoder.outputs["features"]))
        encoder.bind("features", features.address)
        step.bind("features", features.address)
        self._samples = [SharedTensor(gpu, *step.inputs["sample"]) for _ in range(2)]
        self._indices = [self._index(gpu, index, stream) for index in range(steps)]
        given = {**_bound(gpu, encoder, encoder.inputs), "sample": self._samples[0]}
        gives = {"sample": self._samples[steps % 2]}
        self._job = Job(stream, given, gives, self._enqueue, patience_s=patience_s)
        self.in_one_graph = self._job.in_one_graph

    def denoise(self, inputs: Mapping[str, NDArray[Any]], noise: Float32) -> NDArray[Any]:
        """See `Denoiser.denoise`."""
        given = {**inputs, "sample": noise}
        check_inputs("refiner", self._inputs, given)
        return self._job.run(given)["sample"]

    @property
    def phases(self) -> JobPhases | None:
        """Of the last run; None before the first."""
        return self._job.phases

    def _index(self, gpu: Gpu, index: int, stream: Stream) -> SharedTensor:
        """A step's number, brought to the GPU once and for all."""
        tensor = SharedTensor(gpu, *self._step.inputs["step"])
        tensor.array[...] = index
        with gpu.current():
            tensor.upload(stream)
        return tensor

    def _enqueue(self, stream: int) -> None:
        self._encoder.enqueue(stream)
        for number, index in enumerate(self._indices):
            self._step.bind("step", index.address)
            self._step.bind("sample", self._samples[number % 2].address)
            self._step.bind("sample_next", self._samples[(number + 1) % 2].address)
            self._step.enqueue(stream)


def load_plans(gpu: Gpu, trt: ModuleType, files: PolicyFiles, plans: Mapping[str, Path]) -> dict[str, TensorrtPlan]:
    """The policy's three engines, by graph name, checked against its own record.

    Raises PolicyFilesError, PlanError, EngineError.
    """
    if missing := [name for name in GRAPHS if name not in plans]:
        raise PolicyFilesError(files.path, f"there is no engine of {', '.join(missing)}")
    loaded = {name: TensorrtPlan(gpu, trt, name, plans[name]) for name in GRAPHS}
    check_signatures(files, **loaded)
    return loaded


def _bound(gpu: Gpu, plan: TensorrtPlan, tensors: Mapping[str, tuple[str, tuple[int, ...]]]) -> dict[str, SharedTensor]:
    places = {name: SharedTensor(gpu, dtype, shape) for name, (dtype, shape) in tensors.items()}
    for name, place in places.items():
        plan.bind(name, place.address)
    return places


def _size(tensor: tuple[str, tuple[int, ...]]) -> int:
    dtype, shape = tensor
    return int(np.prod(shape, dtype=np.int64)) * (BYTES.get(dtype) or np.dtype(dtype).itemsize)

"""The stand-in's other half: an engine that tells what it takes and gives, and runs its graph through ONNX Runtime."""

from __future__ import annotations

import enum
import functools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray


class TensorIOMode(enum.Enum):
    NONE, INPUT, OUTPUT = range(3)


class TensorLocation(enum.Enum):
    DEVICE, HOST = range(2)


class DataType(enum.Enum):
    FLOAT, HALF, INT8, INT32, BOOL, UINT8 = range(6)
    BF16, INT64 = 7, 8


TYPES = {
    "tensor(float)": (DataType.FLOAT, np.float32),
    "tensor(float16)": (DataType.HALF, np.float16),
    "tensor(int64)": (DataType.INT64, np.int64),
    "tensor(uint8)": (DataType.UINT8, np.uint8),
}


class EngineInspector:
    def __init__(self, layers: str) -> None:
        self._layers = layers

    def get_engine_information(self, form: Any) -> str:
        assert form.name == "JSON"
        return self._layers


class IProfiler:
    def report_layer_time(self, layer_name: str, ms: float) -> None:
        raise NotImplementedError


class ICudaEngine:
    def __init__(self, layers: str, graph: str) -> None:
        self._layers = layers
        self._graph = graph

    def create_engine_inspector(self) -> EngineInspector:
        return EngineInspector(self._layers)

    @property
    def num_io_tensors(self) -> int:
        return len(self._tensors)

    def get_tensor_name(self, index: int) -> str:
        return list(self._tensors)[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return self._tensors[name][0] if name in self._tensors else TensorIOMode.NONE

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        changed: dict[str, tuple[int, ...]] = _module(self).faults.shapes
        return changed.get(name, tuple(self._tensors[name][1].shape))

    def get_tensor_dtype(self, name: str) -> DataType:
        return TYPES[self._tensors[name][1].type][0]

    def get_tensor_location(self, name: str) -> TensorLocation:
        return TensorLocation.HOST if name in _module(self).faults.on_the_host else TensorLocation.DEVICE

    def create_execution_context(self) -> IExecutionContext | None:
        if _module(self).faults.no_context:
            return None
        context: IExecutionContext = _module(self).IExecutionContext(self)
        return context

    @functools.cached_property
    def _session(self) -> ort.InferenceSession:
        """Set up like the engine on ONNX Runtime, so that the numbers can be the same to the bit."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return ort.InferenceSession(self._graph, options, providers=["CPUExecutionProvider"])

    @functools.cached_property
    def _tensors(self) -> dict[str, tuple[TensorIOMode, ort.NodeArg]]:
        inputs = {tensor.name: (TensorIOMode.INPUT, tensor) for tensor in self._session.get_inputs()}
        return inputs | {tensor.name: (TensorIOMode.OUTPUT, tensor) for tensor in self._session.get_outputs()}


class IExecutionContext:
    def __init__(self, engine: ICudaEngine) -> None:
        self._engine = engine
        self._addresses: dict[str, int] = {}
        self._profiler: IProfiler | None = None

    @property
    def profiler(self) -> IProfiler | None:
        return self._profiler

    @profiler.setter
    def profiler(self, profiler: IProfiler) -> None:
        self._profiler = profiler

    def set_tensor_address(self, name: str, memory: int) -> bool:
        if name not in self._engine._tensors or name in _module(self).faults.refuses_address_of:
            return False
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        """Enqueues; the addresses are those of now. Unset ones are refused, wrong ones only found by the kernels."""
        cuda, faults = _module(self).cuda, _module(self).faults
        stream = cuda.streams[stream_handle]
        unset = [name for name in self._engine._tensors if not self._addresses.get(name)]
        refused = (
            (bool(unset), f"Address is not set for {unset}"),
            (faults.refuses_execution, "cannot be executed here"),
            (stream.captured is not None and faults.refuses_capture, "not permitted when stream is capturing"),
        )
        if reasons := [reason for applies, reason in refused if applies]:
            faults.log_error(reasons[0])
            stream.invalid = stream.captured is not None
            return False
        cuda.require_context("execute_async_v3")
        cuda.enqueue(stream_handle, self._engine._graph, self._work(dict(self._addresses)))
        return True

    def _work(self, addresses: dict[str, int]) -> Callable[[], None]:
        """What the kernels do: read, compute, write, all at these addresses."""
        engine, faults = self._engine, _module(self).faults
        seen = {name: shift + address for name, address in addresses.items() for shift in (faults.shifts.get(name, 0),)}

        def work() -> None:
            faults.on_execute(engine._graph)
            places = {name: self._place(name, address) for name, address in seen.items()}
            given = {node.name: places[node.name].copy() for node in engine._session.get_inputs()}
            outputs = engine._session.get_outputs()
            for node, result in zip(outputs, engine._session.run(None, given), strict=True):
                places[node.name][...] = result
            if self._profiler is not None:
                for name, ms in faults.layer_times or _names_in(engine._layers):
                    self._profiler.report_layer_time(name, ms)

        return work

    def _place(self, name: str, address: int) -> NDArray[Any]:
        node = self._engine._tensors[name][1]
        dtype = np.dtype(TYPES[node.type][1])
        size = int(np.prod(node.shape)) * dtype.itemsize
        cuda = _module(self).cuda
        memory: NDArray[Any] = cuda.memory.seen_by_the_gpu(address, size, mapped=cuda.integrated)
        tensor: NDArray[Any] = memory.view(dtype).reshape(node.shape)
        return tensor


def _names_in(layers: str) -> list[tuple[str, float]]:
    """Each layer that the inspector names, a millisecond each."""
    named = (layer if isinstance(layer, str) else layer["Name"] for layer in json.loads(layers)["Layers"])
    return [(name, 1.0) for name in named]


def _module(instance: Any) -> Any:
    return type(instance)._module

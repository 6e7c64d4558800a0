"""A built engine, deserialised: what it takes and gives, where that lies, and one execution context."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from libra_edge.errors import EngineError, PlanError, PolicyFilesError
from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.engines import Signature
from libra_edge.tensorrt_log import logger_of

if TYPE_CHECKING:
    from libra_edge.tensorrt_library import tensorrt

DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "BF16": "bfloat16",
    "INT64": "int64",
    "INT32": "int32",
    "UINT8": "uint8",
    "INT8": "int8",
    "BOOL": "bool",
}
"""TensorRT's name -> numpy's, which knows no bfloat16: such a tensor can only stay on the GPU."""


class TensorrtPlan:
    """Used from one thread at a time; the caller is inside the GPU's context.

    Attributes:
        name: stage name for messages.
        inputs, outputs: name -> (numpy dtype name, shape).
    """

    def __init__(self, gpu: Gpu, trt: ModuleType, name: str, path: Path) -> None:
        """Load the plan in the file `path`.

        Raises PlanError if TensorRT refuses it, PolicyFilesError if it cannot be read or its tensors are not of fixed
        shape on the GPU, EngineError if there is too little memory.
        """
        self.name = name
        self._trt = trt
        log, self._errors = logger_of(trt)
        self._errors.clear()
        with gpu.current():
            self._runtime: tensorrt.Runtime | None = self._new_runtime(log)
            self._cuda_engine: tensorrt.ICudaEngine | None = self._deserialised(path)
            self.inputs: Mapping[str, tuple[str, tuple[int, ...]]] = self._signature(path, trt.TensorIOMode.INPUT)
            self.outputs: Mapping[str, tuple[str, tuple[int, ...]]] = self._signature(path, trt.TensorIOMode.OUTPUT)
            self._execution: tensorrt.IExecutionContext | None = self._new_context()
        gpu.at_close(self._close)

    def bind(self, tensor: str, address: int) -> None:
        """Let an input or output lie at `address` on the GPU from now on. Raises EngineError."""
        context: tensorrt.IExecutionContext = self._execution
        if not context.set_tensor_address(tensor, address):
            raise EngineError(self.name, f"TensorRT takes no address for {tensor!r}: {self._errors.first()}")

    def enqueue(self, stream: int) -> None:
        """Enqueue one execution on the stream of this handle, tensors where they are now. Raises EngineError."""
        context: tensorrt.IExecutionContext = self._execution
        if not context.execute_async_v3(stream):
            raise EngineError(self.name, f"TensorRT cannot execute it: {self._errors.first()}")

    def watch(self, profiler: tensorrt.IProfiler) -> None:
        """Let every later execution tell this one of its layers. The caller keeps it; a CUDA graph tells nothing."""
        context: tensorrt.IExecutionContext = self._execution
        context.profiler = profiler

    def _new_runtime(self, log: tensorrt.ILogger) -> tensorrt.Runtime:
        try:
            runtime: tensorrt.Runtime = self._trt.Runtime(log)
        except (RuntimeError, TypeError) as error:  # what the bindings raise where C++ gave them nothing
            raise EngineError(
                self.name, f"TensorRT {self._trt.__version__} cannot start: {error}; {self._errors.first()}"
            ) from error
        return runtime

    def _deserialised(self, path: Path) -> tensorrt.ICudaEngine:
        runtime: tensorrt.Runtime = self._runtime
        try:
            engine: tensorrt.ICudaEngine | None = runtime.deserialize_cuda_engine(path.read_bytes())
        except OSError as error:
            raise PolicyFilesError(path, f"the engine cannot be read: {error.strerror or error}") from error
        if engine is None:
            kind = EngineError if self._errors.out_of_memory else PlanError
            raise kind(self.name, f"TensorRT {self._trt.__version__} cannot load {path}: {self._errors.first()}")
        return engine

    def _new_context(self) -> tensorrt.IExecutionContext:
        engine: tensorrt.ICudaEngine = self._cuda_engine
        context: tensorrt.IExecutionContext | None = engine.create_execution_context()
        if context is None:
            advice = "close other programs, or use a smaller model" if self._errors.out_of_memory else "start again"
            raise EngineError(self.name, f"TensorRT gives no execution context: {self._errors.first()}; {advice}")
        return context

    def _signature(self, path: Path, wanted: tensorrt.TensorIOMode) -> Signature:
        engine: tensorrt.ICudaEngine = self._cuda_engine
        names: list[str] = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        signature: Signature = {}
        for name in names:
            if engine.get_tensor_mode(name) != wanted:
                continue
            shape = tuple(int(size) for size in engine.get_tensor_shape(name))
            dtype: tensorrt.DataType = engine.get_tensor_dtype(name)
            on_gpu = engine.get_tensor_location(name) == self._trt.TensorLocation.DEVICE
            if dtype.name not in DTYPES or min(shape, default=1) < 0 or not on_gpu:
                problem = f"{name!r} is {dtype.name} {list(shape)}; shapes must be fixed and tensors lie on the GPU"
                raise PolicyFilesError(path, problem)
            signature[name] = (DTYPES[dtype.name], shape)
        return signature

    def _close(self) -> None:
        """In this order: TensorRT asks that a context ends before its engine, and that before its runtime."""
        self._execution = None
        self._cuda_engine = None
        self._runtime = None

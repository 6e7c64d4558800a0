"""Engines on ONNX Runtime's CPU provider: the default wherever there is no TensorRT."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from libra_edge.errors import EngineError, MissingDependencyError, PolicyFilesError
from libra_edge.model_directory import GRAPHS
from libra_edge.policy_files import PolicyFiles
from libra_edge.runtime.engine_inputs import check_inputs
from libra_edge.runtime.engines import Engines, Signature

if TYPE_CHECKING:
    import onnxruntime as ort

DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
}


class OnnxRuntimeEngine:
    """One ONNX graph in one session: one thread, no spinning, so that it leaves the other cores alone.

    Attributes:
        name: stage name for messages.
        inputs, outputs: name -> (numpy dtype name, shape).
    """

    def __init__(self, name: str, path: Path, *, profile: Path | None = None) -> None:
        """`profile`: how the name of the file begins that `end_profile` writes; none is kept without.

        Raises PolicyFilesError if the graph cannot be loaded or has a shape that is not fixed.
        """
        self.name = name
        self._path = path
        self._session = _open_session(path, profile)
        self.inputs: Mapping[str, tuple[str, tuple[int, ...]]] = self._signature(self._session.get_inputs())
        self.outputs: Mapping[str, tuple[str, tuple[int, ...]]] = self._signature(self._session.get_outputs())

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run once. Raises EngineError if an input does not fit or the session fails."""
        check_inputs(self.name, self.inputs, inputs)
        try:
            results = self._session.run(None, dict(inputs))
        except Exception as error:  # onnxruntime's exceptions share no base class but this
            raise EngineError(self.name, f"ONNX Runtime failed: {error}") from error
        return dict(zip(self.outputs, results, strict=True))

    def end_profile(self) -> Path:
        """The execution profile of all runs so far, a JSON file of Chrome's trace format."""
        return Path(self._session.end_profiling())

    def _signature(self, tensors: list[ort.NodeArg]) -> Signature:
        signature = {}
        for tensor in tensors:
            if tensor.type not in DTYPES or not all(isinstance(size, int) for size in tensor.shape):
                problem = (
                    f"{tensor.name!r} is {tensor.type} {tensor.shape}; shapes must be fixed and types plain tensors"
                )
                raise PolicyFilesError(self._path, problem)
            signature[tensor.name] = (DTYPES[tensor.type], tuple(tensor.shape))
        return signature


def load_onnxruntime_engines(files: PolicyFiles) -> Engines:
    """The policy's three graphs, checked against its own record. Raises PolicyFilesError."""
    engines = {name: OnnxRuntimeEngine(name, files.graph(name)) for name in GRAPHS}
    return Engines(files, **engines)


def _open_session(path: Path, profile: Path | None) -> ort.InferenceSession:
    try:
        import onnxruntime as ort  # noqa: PLC0415 - slow to import, and needed by this backend alone
    except ImportError as error:
        raise MissingDependencyError("onnxruntime", "install it with: pip install onnxruntime") from error
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base class but this
        raise PolicyFilesError(path, f"ONNX Runtime cannot load it: {error}") from error

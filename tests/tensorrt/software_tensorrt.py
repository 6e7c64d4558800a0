"""A stand-in for TensorRT: the names and habits of the real bindings, and faults to inject.

`make check-tensorrt` looks its names up in the real bindings. A plan is a line of JSON that says what was built; what
can be deserialised is what this same version built.
"""

from __future__ import annotations

import enum
import hashlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from tests.tensorrt.software_execution import (
    DataType,
    EngineInspector,
    ICudaEngine,
    IExecutionContext,
    IProfiler,
    TensorIOMode,
    TensorLocation,
)
from tests.tensorrt.software_faults import Faults

VERSION = "10.3.0"
TIMING = b"timings of "
PHASES = (("Building engine", None, 2), ("Timing", "Building engine", 3))


class ILogger:
    class Severity(enum.Enum):
        INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

    INTERNAL_ERROR, ERROR, WARNING = Severity.INTERNAL_ERROR, Severity.ERROR, Severity.WARNING

    def log(self, severity: Severity, msg: str) -> None:
        raise NotImplementedError


class IProgressMonitor:
    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None: ...

    def step_complete(self, phase_name: str, step: int) -> bool:
        raise NotImplementedError

    def phase_finish(self, phase_name: str) -> None: ...


class NetworkDefinitionCreationFlag(enum.IntEnum):
    STRONGLY_TYPED = 1


class MemoryPoolType(enum.Enum):
    WORKSPACE = 0


class ProfilingVerbosity(enum.Enum):
    LAYER_NAMES_ONLY, NONE, DETAILED = range(3)


class LayerInformationFormat(enum.Enum):
    ONELINE, JSON = range(2)


class INetworkDefinition:
    def __init__(self, flags: int) -> None:
        self._flags = flags
        self._content = b""
        self._path = ""


class ParserError:
    def __init__(self, index: int, name: str, description: str) -> None:
        self._index, self._name, self._description = index, name, description

    def node(self) -> int:
        return self._index

    def node_name(self) -> str:
        return self._name

    def node_operator(self) -> str:
        return "MatMul" if self._index >= 0 else ""

    def desc(self) -> str:
        return self._description


class OnnxParser:
    def __init__(self, network: INetworkDefinition, logger: ILogger) -> None:
        self._network = network
        self._errors: list[ParserError] = []

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        return self._errors[index]

    def parse_from_file(self, path: str) -> bool:
        found = [ParserError(3, *error) for error in _faults(self).parser_errors]
        if not Path(path).is_file():
            found = [ParserError(-1, "", "Assertion failed: Input file cannot be found")]
        self._errors = found
        self._network._path = path
        self._network._content = b"" if found else Path(path).read_bytes()
        return not found


class ITimingCache:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def serialize(self) -> memoryview:
        return memoryview(self._content)


class IBuilderConfig:
    def __init__(self) -> None:
        self.progress_monitor = IProgressMonitor()
        self.profiling_verbosity = ProfilingVerbosity.LAYER_NAMES_ONLY
        self._timings: ITimingCache | None = None
        self._workspace = 0

    def set_memory_pool_limit(self, pool: MemoryPoolType, size: int) -> None:
        self._workspace = size

    def create_timing_cache(self, content: bytes) -> ITimingCache | None:
        stale = content and (_faults(self).refuses_timing_cache or not content.startswith(TIMING))
        return None if stale else ITimingCache(content)

    def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
        self._timings = cache
        return True

    def get_timing_cache(self) -> ITimingCache | None:
        return self._timings


class Builder:
    def __init__(self, logger: ILogger) -> None:
        self._logger = logger
        faults = _faults(self)
        if faults.raises:
            raise faults.raises

    def create_network(self, flags: int = 0) -> INetworkDefinition:
        return INetworkDefinition(flags)

    def create_builder_config(self) -> IBuilderConfig:
        made: IBuilderConfig = _module(self).IBuilderConfig()
        return made

    def build_serialized_network(self, network: INetworkDefinition, config: IBuilderConfig) -> memoryview | None:
        faults = _faults(self)
        faults.on_build()
        for error in faults.logged:
            self._logger.log(ILogger.ERROR, error)
        self._logger.log(ILogger.WARNING, "it is only a stand-in")
        faults.told_to_stop = not _went_through(config.progress_monitor)
        if faults.told_to_stop or faults.logged:
            return None
        assert config._timings is not None
        if not config._timings._content.startswith(TIMING):
            config._timings._content = TIMING + VERSION.encode()
        return memoryview(json.dumps(_built(network, config, _module(self).__version__)).encode())


class Runtime:
    def __init__(self, logger: ILogger) -> None:
        self._logger = logger
        faults = _faults(self)
        if faults.no_runtime:
            raise faults.no_runtime
        faults.log_error = lambda reason: logger.log(ILogger.ERROR, reason)

    def deserialize_cuda_engine(self, plan: bytes | memoryview) -> ICudaEngine | None:
        faults = _faults(self)
        try:
            built = json.loads(bytes(plan))
        except ValueError:
            built = {}
        if faults.refuses_plans or built.get("version") != _module(self).__version__:
            self._logger.log(ILogger.ERROR, "Version tag does not match")
            return None
        made: ICudaEngine = _module(self).ICudaEngine(
            faults.layers or json.dumps(_inspected(built.get("graph", ""))), built.get("graph", "")
        )
        return made


CLASSES = (
    Builder,
    DataType,
    EngineInspector,
    IBuilderConfig,
    ICudaEngine,
    IExecutionContext,
    ILogger,
    INetworkDefinition,
    IProfiler,
    IProgressMonitor,
    ITimingCache,
    LayerInformationFormat,
    MemoryPoolType,
    NetworkDefinitionCreationFlag,
    OnnxParser,
    ParserError,
    ProfilingVerbosity,
    Runtime,
    TensorIOMode,
    TensorLocation,
)


def software_tensorrt(faults: Faults | None = None, version: str = VERSION, cuda: Any = None) -> ModuleType:
    """A module of its own, with these faults; what it executes runs on the stand-in `cuda` (tests/cuda)."""
    module: Any = ModuleType("software_tensorrt")
    module.__version__ = version
    for kind in CLASSES:
        plain = issubclass(kind, enum.Enum)
        setattr(module, kind.__name__, kind if plain else type(kind.__name__, (kind,), {"_module": module}))
    module.faults = faults or Faults()
    module.cuda = cuda
    made: ModuleType = module
    return made


def names_of_the_stand_in() -> list[str]:
    """Every name that the stand-in claims the real bindings have, dotted."""
    return [f"{kind.__name__}.{name}" for kind in CLASSES for name in vars(kind) if not name.startswith("_")]


def described(plan: bytes) -> dict[str, Any]:
    """What a plan says of how it was built."""
    facts: dict[str, Any] = json.loads(plan)
    return facts


def _module(instance: Any) -> Any:
    return type(instance)._module


def _faults(instance: Any) -> Faults:
    faults: Faults = _module(instance).faults
    return faults


def _went_through(monitor: IProgressMonitor) -> bool:
    """Two phases, one in the other, as the real builder tells of them; False if it was told to stop."""
    for phase in PHASES:
        monitor.phase_start(*phase)
    going = all(monitor.step_complete("Timing", step) for step in range(3))
    monitor.phase_finish("Timing")
    going = all(monitor.step_complete("Building engine", step) for step in range(2)) and going
    monitor.phase_finish("Building engine")
    return going


def _inspected(graph: str) -> dict[str, Any]:
    """One layer, which computes every node."""
    try:
        nodes = [node.name for node in onnx.load(graph, load_external_data=False).graph.node]
    except (OSError, DecodeError):
        nodes = []  # the tests of the cache build files of a few letters
    half = {"Name": "tensor", "Dimensions": [1, 4], "Format/Datatype": "Row major linear FP16 format"}
    layer = {"Name": "everything", "LayerType": "Myelin", "Inputs": [half], "Outputs": [half]}
    return {"Layers": [{**layer, "Metadata": "\x1f".join(f"[ONNX Layer: {name}]" for name in nodes)}]}


def _built(network: INetworkDefinition, config: IBuilderConfig, version: str) -> dict[str, Any]:
    return {
        "version": version,
        "onnx": hashlib.sha256(network._content).hexdigest(),
        "graph": network._path,
        "flags": network._flags,
        "workspace": config._workspace,
        "verbosity": config.profiling_verbosity.name,
    }

"""One ONNX graph becomes one TensorRT plan: parsed, strongly typed, built for the GPU at hand.

The module `tensorrt` is an argument: the same code runs on TensorRT 10.3 to 11, on NVIDIA's builder for PCs (in
`make check-tensorrt`) and on a stand-in (in the tests). The caller has made sure that there is a GPU.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from libra_edge.errors import EngineBuildError, EngineError, LibraEdgeError, PlanError
from libra_edge.export.build_phases import BuildPhases
from libra_edge.tensorrt_log import TensorrtErrors, logger_of

if TYPE_CHECKING:
    from libra_edge.export.progress import Progress
    from libra_edge.tensorrt_library import tensorrt

MEGABYTE = 1 << 20
ALWAYS_STRONGLY_TYPED = Version("11")
LISTEN_S = 0.2
"""How often Python gets to see Ctrl-C; one that arrives just before a wait without end would be seen after it."""


@dataclass(frozen=True, slots=True, eq=False)
class BuildSettings:
    """How to build.

    Attributes:
        workspace_mb: most GPU memory that a layer may use for scratch, in 2^20 bytes.
        timing_cache: what an earlier build measured; empty if there was none.
        configure: more settings for the builder, for `make check-tensorrt`.
    """

    workspace_mb: int
    timing_cache: bytes = b""
    configure: Callable[[Any], None] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class BuiltPlan:
    """What a build gives.

    Attributes:
        plan: the serialised engine, in TensorRT's own memory.
        timing_cache: what the build measured, on top of what it was given.
        timing_cache_taken: False if TensorRT did not take the one it was given.
    """

    plan: memoryview
    timing_cache: bytes
    timing_cache_taken: bool


def build_plan(trt: ModuleType, graph: Path, settings: BuildSettings, progress: Progress) -> BuiltPlan:
    """Build the engine of the ONNX file `graph`; `progress` advances by `build_phases.PIECES` pieces.

    It is built in a thread, so that Ctrl-C reaches Python here and stops the build at its next step: an exception must
    not be raised in a callback, where C++ would end the process.

    Raises EngineBuildError if TensorRT does not take the graph, EngineError if it runs out of memory or fails to start.
    """
    phases, watched = BuildPhases(progress), threading.Event()

    def build_when_watched() -> BuiltPlan:
        watched.wait()  # an interruption while the thread starts would find nobody who could stop it
        return _build(trt, graph, settings, phases)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="TensorRT builder") as pool:
        try:
            building = pool.submit(build_when_watched)
            watched.set()
            while not building.done():
                wait([building], timeout=LISTEN_S)
            built = building.result()
        except BaseException:
            phases.cancel()
            watched.set()
            raise
    phases.complete()
    return built


def read_layers(trt: ModuleType, plan: bytes | memoryview) -> str:
    """Deserialise a plan and give TensorRT's detailed information on its layers, a JSON object.

    Raises PlanError if TensorRT refuses the plan, EngineError if it runs out of memory or gives no JSON.
    """
    log, errors = logger_of(trt)
    errors.clear()
    try:
        runtime: tensorrt.Runtime = trt.Runtime(log)
        engine: tensorrt.ICudaEngine | None = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            kind = EngineError if errors.out_of_memory else PlanError
            raise kind("engine", f"TensorRT {trt.__version__} cannot load it: {errors.first()}")
        inspector: tensorrt.EngineInspector = engine.create_engine_inspector()
        text: str = inspector.get_engine_information(trt.LayerInformationFormat.JSON)
        json.loads(text)
    except (RuntimeError, TypeError) as error:  # what the bindings raise where C++ gave them nothing
        raise EngineError(
            "engine", f"TensorRT {trt.__version__} failed to load it: {error}; {errors.first()}"
        ) from error
    except ValueError as error:
        raise EngineError("engine", f"TensorRT {trt.__version__} gives no JSON on its layers: {error}") from error
    return text


def _build(trt: ModuleType, graph: Path, settings: BuildSettings, phases: BuildPhases) -> BuiltPlan:
    log, errors = logger_of(trt)
    errors.clear()
    try:
        builder: tensorrt.Builder = trt.Builder(log)
        network: tensorrt.INetworkDefinition = builder.create_network(_network_flags(trt))
        _parse(trt, graph, network, log)
        config: tensorrt.IBuilderConfig = builder.create_builder_config()
        taken = _configure(trt, config, settings)
        monitor = _monitor(trt, phases)  # named, so that it outlives the build
        config.progress_monitor = monitor
        plan: tensorrt.IHostMemory | None = builder.build_serialized_network(network, config)
        if phases.failure is not None:
            raise phases.failure
        if plan is None:
            raise _build_failure(trt, graph, errors)
        return BuiltPlan(memoryview(plan), _timing_cache(config), taken)
    except (RuntimeError, TypeError) as error:  # what the bindings raise where C++ gave them nothing
        raise EngineError(f"TensorRT {trt.__version__}", f"failed on {graph}: {error}; {errors.first()}") from error


def _network_flags(trt: ModuleType) -> int:
    """Strongly typed: every tensor keeps the type that the graph gives it. TensorRT 11 knows nothing else."""
    if Version(trt.__version__) >= ALWAYS_STRONGLY_TYPED:
        return 0
    return 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)


def _parse(trt: ModuleType, graph: Path, network: tensorrt.INetworkDefinition, log: tensorrt.ILogger) -> None:
    """From the file, not from its bytes: weights kept beside it are looked for in its folder."""
    parser: tensorrt.OnnxParser = trt.OnnxParser(network, log)
    if parser.parse_from_file(str(graph)):
        return
    if parser.num_errors == 0:
        _, errors = logger_of(trt)
        raise EngineBuildError(graph, f"TensorRT {trt.__version__} does not take it: {errors.first()}")
    error: tensorrt.ParserError = parser.get_error(0)
    node = f"{error.node_name() or error.node()} ({error.node_operator()})" if error.node() >= 0 else None
    description: str = error.desc()
    reason = " ".join(description.removeprefix("Assertion failed: ").split())
    others = f" (and {parser.num_errors - 1} more)" if parser.num_errors > 1 else ""
    advice = "export the model again with this version of libra-edge, or keep this layer out of what is converted"
    raise EngineBuildError(graph, f"TensorRT {trt.__version__} does not take it: {reason}{others}; {advice}", node)


def _configure(trt: ModuleType, config: tensorrt.IBuilderConfig, settings: BuildSettings) -> bool:
    """Set everything but the progress monitor. False if an empty timing cache is used, as the one given was refused."""
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings.workspace_mb * MEGABYTE)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if settings.configure is not None:
        settings.configure(config)
    cache: tensorrt.ITimingCache | None = config.create_timing_cache(settings.timing_cache)
    if cache is not None and config.set_timing_cache(cache, False):
        return True
    config.set_timing_cache(config.create_timing_cache(b""), False)
    return False


def _timing_cache(config: tensorrt.IBuilderConfig) -> bytes:
    cache: tensorrt.ITimingCache | None = config.get_timing_cache()
    return b"" if cache is None else bytes(cache.serialize())


def _build_failure(trt: ModuleType, graph: Path, errors: TensorrtErrors) -> LibraEdgeError:
    if errors.out_of_memory:
        advice = "close other programs, or give it less with --workspace"
        return EngineError(f"TensorRT {trt.__version__}", f"ran out of memory over {graph}; {advice}; {errors.first()}")
    advice = "if it speaks of workspace, give it more with --workspace"
    return EngineBuildError(graph, f"TensorRT {trt.__version__} builds no engine of it: {errors.first()}; {advice}")


def _monitor(trt: ModuleType, phases: BuildPhases) -> tensorrt.IProgressMonitor:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined] # the module comes with the call
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            phases.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return phases.step(phase_name, step)

        def phase_finish(self, phase_name: str) -> None:
            phases.finish(phase_name)

    return Monitor()

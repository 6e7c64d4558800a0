"""The part of `profile` that needs the graphs: layers, the machine's limits, predictions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from importlib.util import find_spec
from typing import TYPE_CHECKING

from libra_edge.bundle import Bundle
from libra_edge.cli.device_engines import engines_of
from libra_edge.cli.output import stderr_console
from libra_edge.cli.run_backend import target_of
from libra_edge.errors import MissingDependencyError
from libra_edge.policy_files import PolicyFiles
from libra_edge.profiling.layer import StageLayers
from libra_edge.profiling.layer_entries import MeasuredLayers
from libra_edge.profiling.side_by_side import Exercise
from libra_edge.profiling.stage_graph import StageGraph
from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.cuda.library import load_cuda
from libra_edge.tensorrt_library import load_tensorrt

if TYPE_CHECKING:
    from libra_edge.profiling.boards import Board
    from libra_edge.profiling.peaks import Peaks
    from libra_edge.profiling.stage_prediction import StagePrediction

ONNX = "onnx"
INSTALL = "install it with: pip install 'libra-edge[export]'"
STAGES = {
    "planner": ("planner_engine", "plan"),
    "refiner_encoder": ("refiner_encoder", "chunk"),
    "refiner_step": ("refiner_step", "chunk"),
}
"""Graph to the stage that its engine is, and what that is a part of."""


def why_no_layers() -> str | None:
    """A clause, or None if layers can be timed."""
    return None if find_spec(ONNX) else f"the Python package {ONNX!r} is not installed ({INSTALL})"


def wanted_boards(names: str) -> tuple[Board, ...]:
    """Of `--predict`. Raises ConfigError for a board that nobody knows, MissingDependencyError."""
    if not names.strip():
        return ()
    if why_no_layers():
        raise MissingDependencyError(ONNX, INSTALL)
    from libra_edge.profiling.boards import chosen_boards  # noqa: PLC0415 - needs an extra

    return chosen_boards(names)


def layers_on_onnxruntime(
    bundle: Bundle, boards: Sequence[Board], seconds: float, exercise: Exercise
) -> MeasuredLayers:
    """For `seconds` each system; with boards, what they and this machine are predicted to take.

    `exercise`: of the loaded systems, which are called in turns with their layers.

    Raises PolicyFilesError, EngineError.
    """
    graphs = stage_graphs(bundle.policy_files(target_of("onnxruntime")))
    peaks, stages = _on_onnxruntime(graphs, seconds, exercise)
    here = _predicted_here(graphs, peaks) if boards else ()
    return MeasuredLayers(stages, peaks, None, here, _guessed(bundle, boards), exercise.taken())


def layers_on_tensorrt(bundle: Bundle, boards: Sequence[Board], seconds: float) -> MeasuredLayers:
    """As `layers_on_onnxruntime`; loads the engines anew, for TensorRT cannot look into a CUDA graph.

    Raises PolicyFilesError, EngineBuildError, PlanError, EngineError.
    """
    from libra_edge.profiling.boards import this_board  # noqa: PLC0415 - needs an extra
    from libra_edge.profiling.prediction import predicted_on  # noqa: PLC0415

    graphs, own = stage_graphs(bundle.policy_files(target_of("tensorrt"))), this_board()
    peaks, stages = _on_tensorrt(bundle, graphs, seconds)
    here = predicted_on(own, graphs) if boards and own is not None else ()
    return MeasuredLayers(stages, peaks, None if own is None else own.peaks, here, _guessed(bundle, boards))


def stage_graphs(files: PolicyFiles) -> tuple[StageGraph, ...]:
    """The three graphs, the planner's first, in the order in which they run. Raises PolicyFilesError."""
    calls = {"refiner_step": files.spec.policy.denoising_steps}
    return tuple(
        StageGraph(stage, product, files.graph(name), calls.get(name, 1)) for name, (stage, product) in STAGES.items()
    )


def _guessed(bundle: Bundle, boards: Sequence[Board]) -> tuple[tuple[str, str, tuple[StagePrediction, ...]], ...]:
    if not boards:
        return ()
    from libra_edge.profiling.prediction import predicted_on  # noqa: PLC0415 - needs an extra

    graphs = stage_graphs(bundle.policy_files("tensorrt"))
    return tuple((board.name, board.title, predicted_on(board, graphs)) for board in boards)


def _on_onnxruntime(
    graphs: Sequence[StageGraph], seconds: float, exercise: Exercise
) -> tuple[Peaks, tuple[StageLayers, ...]]:
    from libra_edge.profiling.onnx_layers import onnx_layers  # noqa: PLC0415 - needs an extra
    from libra_edge.profiling.processor_peaks import processor_peaks  # noqa: PLC0415

    with stderr_console().status("What this processor can do at most"):
        peaks = processor_peaks()
    with stderr_console().status("Layers, engine by engine"):
        loaded = {STAGES[name][0]: engine for name, engine in exercise.engines.items()}
        plan = onnx_layers(graphs[:1], seconds, loaded, exercise.plan)
        chunk = onnx_layers(graphs[1:], seconds, loaded, exercise.refine)
        return peaks, (*plan, *chunk)


def _on_tensorrt(bundle: Bundle, graphs: Sequence[StageGraph], seconds: float) -> tuple[Peaks, tuple[StageLayers, ...]]:
    from libra_edge.profiling.gpu_peaks import gpu_peaks  # noqa: PLC0415 - needs an extra
    from libra_edge.profiling.tensorrt_layers import StageEngine, tensorrt_layers  # noqa: PLC0415

    built = engines_of(bundle)
    engines = [
        StageEngine(graph, built[name].plan, built[name].layers) for name, graph in zip(STAGES, graphs, strict=True)
    ]
    trt = load_tensorrt()
    with closing(Gpu(load_cuda())) as gpu:
        with stderr_console().status("Layers, engine by engine"):
            stages = [
                *tensorrt_layers(gpu, trt, engines[:1], seconds),
                *tensorrt_layers(gpu, trt, engines[1:], seconds),
            ]
        with stderr_console().status("What this GPU can do at most: three small engines are built"):
            return gpu_peaks(gpu, trt), tuple(stages)


def _predicted_here(graphs: Sequence[StageGraph], peaks: Peaks) -> tuple[StagePrediction, ...]:
    from libra_edge.profiling.cost_model import onnxruntime_costs  # noqa: PLC0415 - needs an extra
    from libra_edge.profiling.executed_work import on_onnxruntime  # noqa: PLC0415
    from libra_edge.profiling.prediction import predicted  # noqa: PLC0415

    return predicted(graphs, on_onnxruntime, peaks, onnxruntime_costs())

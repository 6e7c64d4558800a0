"""The part of `profile` that needs the graphs: layers, the machine's limits, predictions."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from libra_edge.cli.output import stderr_console
from libra_edge.cli.run_backend import Backend
from libra_edge.errors import MissingDependencyError
from libra_edge.policy_files import PolicyFiles
from libra_edge.profiling.layer_entries import MeasuredLayers
from libra_edge.profiling.stage_graph import StageGraph

if TYPE_CHECKING:
    from libra_edge.profiling.boards import Board

ONNX = "onnx"
INSTALL = "install it with: pip install 'libra-edge[export]'"
STAGES = {
    "planner": ("planner_engine", "plan"),
    "refiner_encoder": ("refiner_encoder", "chunk"),
    "refiner_step": ("refiner_step", "chunk"),
}
"""Graph to the stage that its engine is, and what that is a part of."""


def why_no_layers(backend: Backend) -> str | None:
    """A clause, or None if layers can be timed."""
    if backend == "tensorrt":
        return "not yet with TensorRT"
    return None if find_spec(ONNX) else f"the Python package {ONNX!r} is not installed ({INSTALL})"


def wanted_boards(names: str) -> tuple[Board, ...]:
    """Of `--predict`. Raises ConfigError for a board that nobody knows, MissingDependencyError."""
    if not names.strip():
        return ()
    if not find_spec(ONNX):
        raise MissingDependencyError(ONNX, INSTALL)
    from libra_edge.profiling.boards import chosen_boards  # noqa: PLC0415 - needs an extra

    return chosen_boards(names)


def measured_layers(
    run: PolicyFiles, for_boards: PolicyFiles | None, boards: Sequence[Board], seconds: float
) -> MeasuredLayers:
    """On ONNX Runtime, for `seconds` each system; with boards, what they and this machine are predicted to take.

    `run`: what ran here; `for_boards`: the same model as TensorRT takes it, None without boards.

    Raises PolicyFilesError, EngineError.
    """
    from libra_edge.profiling.boards import this_board  # noqa: PLC0415 - needs an extra
    from libra_edge.profiling.cost_model import onnxruntime_costs  # noqa: PLC0415
    from libra_edge.profiling.executed_work import on_onnxruntime  # noqa: PLC0415
    from libra_edge.profiling.onnx_layers import onnx_layers  # noqa: PLC0415
    from libra_edge.profiling.prediction import predicted, predicted_on  # noqa: PLC0415
    from libra_edge.profiling.processor_peaks import processor_peaks  # noqa: PLC0415

    graphs = stage_graphs(run)
    with stderr_console().status("What this processor can do at most"):
        peaks = processor_peaks()
    with stderr_console().status("Layers, engine by engine"):
        stages = (*onnx_layers(graphs[:1], seconds), *onnx_layers(graphs[1:], seconds))
    here = predicted(graphs, on_onnxruntime, peaks, onnxruntime_costs()) if boards else ()
    theirs = () if for_boards is None else stage_graphs(for_boards)
    guessed = tuple((board.name, board.title, predicted_on(board, theirs)) for board in boards)
    board = this_board()
    return MeasuredLayers(stages, peaks, None if board is None else board.peaks, here, guessed)


def stage_graphs(files: PolicyFiles) -> tuple[StageGraph, ...]:
    """The three graphs, the planner's first, in the order in which they run. Raises PolicyFilesError."""
    calls = {"refiner_step": files.spec.policy.denoising_steps}
    return tuple(
        StageGraph(stage, product, files.graph(name), calls.get(name, 1)) for name, (stage, product) in STAGES.items()
    )

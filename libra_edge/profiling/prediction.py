"""What plan and chunk would take: on boards that are not at hand, and on this machine, to see how good a guess it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from libra_edge.errors import PolicyFilesError
from libra_edge.export.graph_file import read_graph
from libra_edge.profiling.boards import Board
from libra_edge.profiling.cost_model import CostModel, expected_seconds, least_seconds
from libra_edge.profiling.executed_work import Task, on_tensorrt
from libra_edge.profiling.node_work import NodeWork, node_work
from libra_edge.profiling.peaks import Peaks

Executed = Callable[[Sequence[NodeWork]], tuple[Task, ...]]


@dataclass(frozen=True, slots=True)
class StageGraph:
    """One engine's graph: `stage` as layers are called, `calls` in a plan or chunk."""

    stage: str
    system: str
    path: Path
    calls: int


@dataclass(frozen=True, slots=True)
class StagePrediction:
    """Of all calls of one stage, ms.

    Attributes:
        least_ms: no machine with such peaks does it faster: products at the peak, or every weight moved once.
        expected_ms: with what is known to be lost.
    """

    stage: str
    system: str
    least_ms: float
    expected_ms: float


def predicted_on(board: Board, graphs: Iterable[StageGraph]) -> tuple[StagePrediction, ...]:
    """As TensorRT would run them there. Raises PolicyFilesError."""
    return predicted(graphs, on_tensorrt, board.peaks, board.costs)


def predicted(
    graphs: Iterable[StageGraph], executed: Executed, peaks: Peaks, costs: CostModel
) -> tuple[StagePrediction, ...]:
    """Stage by stage. Raises PolicyFilesError."""
    return tuple(_predicted(graph, executed, peaks, costs) for graph in graphs)


def by_system(stages: Iterable[StagePrediction]) -> Mapping[str, tuple[float, float]]:
    """`plan` and `chunk` -> least and expected ms: their engines one after the other, without the host's share."""
    sums: dict[str, tuple[float, float]] = {}
    for stage in stages:
        name = "plan" if stage.system == "planner" else "chunk"
        least, expected = sums.get(name, (0.0, 0.0))
        sums[name] = least + stage.least_ms, expected + stage.expected_ms
    return sums


def _predicted(graph: StageGraph, executed: Executed, peaks: Peaks, costs: CostModel) -> StagePrediction:
    try:
        nodes = node_work(read_graph(graph.path))
    except ValueError as error:
        raise PolicyFilesError(graph.path, f"the graph {error}") from error
    tasks = executed(nodes)
    least, expected = least_seconds(tasks, peaks, _in_and_out(nodes)), expected_seconds(tasks, peaks, costs)
    return StagePrediction(graph.stage, graph.system, 1e3 * graph.calls * least, 1e3 * graph.calls * expected)


def _in_and_out(nodes: Sequence[NodeWork]) -> int:
    """Bytes that no node of the graph makes, and bytes that none reads."""
    read = {name: size for node in nodes for name, size in node.inputs.items()}
    made = {name: size for node in nodes for name, size in node.outputs.items()}
    outside = {name: size for name, size in read.items() if name not in made}
    ends = {name: size for name, size in made.items() if name not in read}
    return sum(outside.values()) + sum(ends.values())

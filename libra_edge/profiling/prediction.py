"""What plan and chunk would take: on boards that are not at hand, and on this machine, to see how good the guess is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from libra_edge.errors import PolicyFilesError
from libra_edge.export.graph_file import read_graph
from libra_edge.profiling.boards import Board
from libra_edge.profiling.cost_model import CostModel, expected_seconds, least_seconds
from libra_edge.profiling.executed_work import Task, on_tensorrt
from libra_edge.profiling.node_work import NodeWork, node_work
from libra_edge.profiling.peaks import Peaks
from libra_edge.profiling.stage_graph import StageGraph
from libra_edge.profiling.stage_prediction import StagePrediction

Executed = Callable[[Sequence[NodeWork]], tuple[Task, ...]]


def predicted_on(board: Board, graphs: Iterable[StageGraph]) -> tuple[StagePrediction, ...]:
    """As TensorRT would run them there. Raises PolicyFilesError."""
    return predicted(graphs, on_tensorrt, board.peaks, board.costs)


def predicted(
    graphs: Iterable[StageGraph], executed: Executed, peaks: Peaks, costs: CostModel
) -> tuple[StagePrediction, ...]:
    """Stage by stage. Raises PolicyFilesError."""
    return tuple(_predicted(graph, executed, peaks, costs) for graph in graphs)


def _predicted(graph: StageGraph, executed: Executed, peaks: Peaks, costs: CostModel) -> StagePrediction:
    try:
        nodes = node_work(read_graph(graph.path))
    except ValueError as error:
        raise PolicyFilesError(graph.path, f"the graph {error}") from error
    tasks = executed(nodes)
    least, expected = least_seconds(tasks, peaks, _in_and_out(nodes)), expected_seconds(tasks, peaks, costs)
    return StagePrediction(graph.stage, graph.product, 1e3 * graph.calls * least, 1e3 * graph.calls * expected)


def _in_and_out(nodes: Sequence[NodeWork]) -> int:
    """Bytes that no node of the graph makes, and bytes that none reads."""
    read = {name: size for node in nodes for name, size in node.inputs.items()}
    made = {name: size for node in nodes for name, size in node.outputs.items()}
    outside = {name: size for name, size in read.items() if name not in made}
    ends = {name: size for name, size in made.items() if name not in read}
    return sum(outside.values()) + sum(ends.values())

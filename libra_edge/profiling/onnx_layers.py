"""The layers of a graph on ONNX Runtime: what each took, in which precision, and what it asks of the machine.

FLOPs are those of products, two for each multiply-add, as in `libra_edge.export.graph_costs`. Bytes are every tensor of
the node read or written once, as it was executed: the optimiser fills channels of FP32 convolutions up to whole blocks.
A weight that it laid out anew is missing in the profile; its size follows from the product's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from onnx import NodeProto

from libra_edge.errors import PolicyFilesError
from libra_edge.export.graph import Graph
from libra_edge.export.graph_file import read_graph
from libra_edge.export.mac_share import (
    CONVOLUTIONS,
    FLOAT_PRODUCTS,
    INT8_PRODUCTS,
    kernel_of,
    kernel_sizes,
    matrix_macs,
)
from libra_edge.profiling.layer import Layer, StageLayers
from libra_edge.profiling.onnx_profile import ExecutedNode, ProfiledGraph, profiled_graphs
from libra_edge.profiling.stage_graph import StageGraph
from libra_edge.protocols import Engine

BLOCKED = "_nchwc"
"""ONNX Runtime's name for a convolution in blocked layout: its output's, and this."""
PRECISIONS = {"float": "fp32", "float16": "fp16", "bfloat16": "bf16", "double": "fp64"}
WIDTHS = {"float": 4, "float16": 2, "bfloat16": 2, "double": 8}


def onnx_layers(
    graphs: Sequence[StageGraph],
    seconds: float,
    engines: Mapping[str, Engine] | None = None,
    system: Callable[[], object] = lambda: None,
) -> tuple[StageLayers, ...]:
    """Of the graphs of one system, in the order in which a plan or chunk runs them; see `profiled_graphs`.

    Raises PolicyFilesError, EngineError.
    """
    works = [_graph_work(graph.path) for graph in graphs]
    profiled = profiled_graphs(graphs, seconds, engines, system)
    return tuple(_stage(*both) for both in zip(graphs, works, profiled, strict=True))


class GraphWork:
    """What the products of a graph have to do, found by what they were executed as."""

    def __init__(self, graph: Graph) -> None:
        """Raises ValueError with a clause for a convolution of no known shape."""
        self._kernels = kernel_sizes(graph)
        self._producers: Mapping[str, NodeProto] = graph.producers()
        self._types = graph.tensor_types()

    def macs(self, node: ExecutedNode) -> int:
        """Multiply-adds of a product, 0 for another node. Raises ValueError with a clause for an unknown product."""
        if node.operator in CONVOLUTIONS:
            return self._convolution(node)
        if node.operator in INT8_PRODUCTS | FLOAT_PRODUCTS:
            return matrix_macs(node.inputs[0][1], node.outputs[0][1])
        return 0

    def bytes(self, node: ExecutedNode) -> int:
        """Raises ValueError as `macs`."""
        macs, output = self.macs(node), node.outputs[0][1]
        if not macs:
            return node.bytes
        depth = macs // math.prod(output)
        weight = depth * (self._channels(node) if node.operator in CONVOLUTIONS else output[-1])
        known = any(math.prod(shape[-2:]) == weight or math.prod(shape) == weight for _, shape in node.inputs[1:])
        return node.bytes if known or node.name.endswith(BLOCKED) else node.bytes + weight * _weight_width(node)

    def _convolution(self, node: ExecutedNode) -> int:
        if not node.name.endswith(BLOCKED):
            return math.prod(node.outputs[0][1]) * kernel_of(node.name, self._kernels)
        tensor = node.name.removesuffix(BLOCKED)
        while (producer := self._producers.get(tensor)) is not None and producer.op_type != "Conv":
            tensor = producer.input[0]
        if producer is None:
            raise ValueError(f"was executed with the convolution {node.name!r}, which it does not have")
        shape = self._types[producer.output[0]][1] or ()
        return math.prod(shape) * self._kernels[producer.name]

    def _channels(self, node: ExecutedNode) -> int:
        """A convolution that is not blocked has its channels first in FP32, last in INT8."""
        return node.outputs[0][1][-1 if node.operator in INT8_PRODUCTS else 1]


def _graph_work(path: Path) -> GraphWork:
    try:
        return GraphWork(read_graph(path))
    except ValueError as error:
        raise PolicyFilesError(path, f"the graph {error}") from error


def _stage(graph: StageGraph, work: GraphWork, profiled: ProfiledGraph) -> StageLayers:
    try:
        layers = tuple(_layer(graph, node, work, profiled.profiler_us) for node in profiled.nodes)
    except ValueError as error:
        raise PolicyFilesError(graph.path, f"the graph {error}") from error
    return StageLayers(graph.stage, layers, graph.calls, graph.calls * profiled.run_us / 1e3, profiled.profiler_us)


def _layer(graph: StageGraph, node: ExecutedNode, work: GraphWork, profiler_us: float) -> Layer:
    return Layer(
        stage=graph.stage,
        name=node.name,
        type=node.operator,
        precision=_precision(node),
        ms=graph.calls * max(0.0, node.us - profiler_us) / 1e3,
        flops=2.0 * graph.calls * work.macs(node),
        bytes=float(graph.calls * work.bytes(node)),
    )


def _precision(node: ExecutedNode) -> str:
    """INT8 if it multiplies so; else the type of what it gives."""
    if node.operator in INT8_PRODUCTS:
        return "int8"
    kind = node.outputs[0][0]
    return PRECISIONS.get(kind, kind)


def _weight_width(node: ExecutedNode) -> int:
    return 1 if node.operator in INT8_PRODUCTS else WIDTHS[node.inputs[0][0]]

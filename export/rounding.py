"""A 16-bit graph as it would compute on hardware, written in FP32 for ONNX Runtime on a CPU.

ONNX Runtime has few 16-bit kernels for x86. Around every other node it puts Casts to FP32, then takes away those that
meet: what lies between is never rounded, at no optimisation level, and overflow goes unseen. Casts that stand in the
graph from the beginning it keeps. So here every number that 16-bit hardware would round is rounded by a pair of Casts.

Hardware sums products in FP32 and rounds the sum, and computes inside a Softmax or a normalisation in FP32 too: so does
this. A bias, though, is a node of its own and adds a second rounding, which TensorRT may spare. INT8 products are one
operation on hardware, from the integers to the rounded sum: nothing is rounded between DequantizeLinear and product,
nor between product and QuantizeLinear, so that ONNX Runtime finds its INT8 kernels as well. Where DequantizeLinear
feeds anything else, its output is a 16-bit tensor and is rounded.
"""

from __future__ import annotations

from collections.abc import Set

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from libra_edge.export.constants import constants_as_weights
from libra_edge.export.fresh_names import FreshNames
from libra_edge.export.graph import Graph
from libra_edge.export.half_format import HALF_TYPES
from libra_edge.export.operators import MOVES, PRODUCTS, SELECTS
from libra_edge.export.weight import Weight

QUANTISERS = frozenset({"QuantizeLinear", "DequantizeLinear"})
NO_NEW_NUMBERS = MOVES | SELECTS | {"ConstantOfShape"}


def rounded(graph: Graph) -> Graph:
    """A copy that computes in FP32 and rounds to 16 bit what a 16-bit tensor holds; same inputs and outputs.

    Weights stay 16 bit and are cast when the graph is loaded. Raises ValueError like `Graph.tensor_types`.
    """
    plain = constants_as_weights(graph)
    rounding = _Rounding(plain)
    for value in plain.inputs:
        rounding.enter(value.name)
    for node in plain.nodes:
        rounding.add(node)
    return rounding.finished()


class _Rounding:
    """Takes the nodes of a graph in their order and writes those of the FP32 graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._names = FreshNames(graph)
        types = {name: element for name, (element, _) in graph.tensor_types().items()}
        self._halves = {name: element for name, element in types.items() if element in HALF_TYPES}
        self._outputs = {value.name for value in graph.outputs}
        self._fused = _fused(graph, self._halves.keys())
        self._apart = _quantisers_before(graph)
        self._nodes: list[NodeProto] = []
        self._weights = dict(graph.weights)
        self._values: dict[str, str] = {}

    def enter(self, name: str) -> None:
        """Take over an input of the graph."""
        if name in self._halves:
            self._values[name] = self._cast(name, TensorProto.FLOAT, self._names.take(f"{name}_fp32"))

    def add(self, node: NodeProto) -> None:
        if node.op_type == "Cast" and node.input[0] in self._halves and self._cancels(node):
            return
        for place, name in enumerate(node.input):
            node.input[place] = self._value(node, name)
        _in_full(node)
        self._nodes.append(node)
        for place, name in enumerate(node.output):
            if name in self._halves:
                self._give(node, place, exact=node.op_type in NO_NEW_NUMBERS or node.name in self._fused)

    def finished(self) -> Graph:
        graph = Graph(
            self._graph.name, self._graph.opset, self._nodes, self._graph.inputs, self._graph.outputs, self._weights
        )
        graph.drop_unused_weights()
        return graph

    def _cancels(self, cast: NodeProto) -> bool:
        """A cast that changes no number: its reader takes the FP32 value itself."""
        source, target = cast.input[0], cast.output[0]
        to = next(attribute.i for attribute in cast.attribute if attribute.name == "to")
        if to not in (TensorProto.FLOAT, self._halves[source]) or target in self._outputs & self._halves.keys():
            return False
        self._values[target] = self._value(cast, source)
        if target in self._outputs:
            self._nodes.append(helper.make_node("Identity", [self._values[target]], [target], name=cast.name))
        return True

    def _value(self, node: NodeProto, name: str) -> str:
        """Name of the FP32 tensor that holds the numbers of the tensor `name`."""
        if name in self._values or name not in self._halves:
            return self._values.get(name, name)
        wanted = self._names.take(f"{name}_fp32")
        if node.op_type in QUANTISERS and name in self._weights:
            self._values[name] = wanted
            self._weights[wanted] = _scale(self._weights[name], self._apart.get(name, 0))
            return wanted
        self._values[name] = self._cast(name, TensorProto.FLOAT, wanted)
        return wanted

    def _give(self, node: NodeProto, place: int, *, exact: bool) -> None:
        """Round the node's output unless it is exact as it is; an output of the graph gets its 16-bit type back."""
        name = node.output[place]
        value = self._names.take(f"{name}_fp32") if name in self._outputs else name
        if exact:
            node.output[place] = value
        elif node.op_type == "Cast":
            node.output[place] = self._names.take(f"{name}_rounded")
            self._cast(node.output[place], TensorProto.FLOAT, value)
        else:
            node.output[place] = self._names.take(f"{name}_exact")
            halved = self._cast(node.output[place], self._halves[name], self._names.take(f"{name}_rounded"))
            self._cast(halved, TensorProto.FLOAT, value)
        self._values[name] = value
        if name in self._outputs:
            self._cast(value, self._halves[name], name)

    def _cast(self, source: str, onnx: int, target: str) -> str:
        node = helper.make_node("Cast", [source], [target], name=self._names.take(f"{target}_cast"), to=onnx)
        self._nodes.append(node)
        return target


def _scale(weight: Weight, steps: int) -> Weight:
    """A scale in FP32, so many rounding errors too large."""
    factor = np.float32(1) + np.float32(steps) * np.finfo(np.float32).eps
    return Weight(np.dtype(np.float32), weight.shape, lambda: np.asarray(weight.read().astype(np.float32) * factor))


def _quantisers_before(graph: Graph) -> dict[str, int]:
    """Scale -> how many quantisers stand before its own at the same tensor.

    ONNX Runtime merges equal quantisers and then misses the INT8 kernels behind them; scales that INT8 export keeps
    apart become equal in 16 bit.
    """
    before: dict[str, int] = {}
    for readers in graph.consumers().values():
        quantisers = [node for node in readers if node.op_type == "QuantizeLinear"]
        for steps, node in enumerate(quantisers):
            before.setdefault(node.input[1], steps)
    return before


def _in_full(node: NodeProto) -> None:
    """ConstantOfShape's value to FP32."""
    if node.op_type == "ConstantOfShape":
        for attribute in node.attribute:
            if attribute.t.data_type in HALF_TYPES:
                attribute.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(attribute.t).astype(np.float32)))


def _fused(graph: Graph, halves: Set[str]) -> set[str]:
    """Names of the nodes whose output stays inside an INT8 product: DQ before one, and one before Q."""
    readers = graph.consumers()
    products = _int8_products(graph, halves)
    fused: set[str] = set()
    for node in reversed(graph.nodes):
        following = [reader for name in node.output for reader in readers[name]]
        if node.name in products:
            inside = all(reader.op_type == "QuantizeLinear" for reader in following)
        elif node.op_type in MOVES or node.op_type == "DequantizeLinear":
            inside = all(reader.name in products or reader.name in fused for reader in following)
        else:
            inside = False
        if inside and following:
            fused.add(node.name)
    return fused


def _int8_products(graph: Graph, halves: Set[str]) -> set[str]:
    """Names of the products both of whose factors come from DequantizeLinear, at once or through data movement."""
    dequantised: set[str] = set()
    names = set()
    for node in graph.nodes:
        moves = node.op_type in MOVES and dequantised.issuperset(halves & set(node.input))
        if moves or node.op_type == "DequantizeLinear":
            dequantised.update(node.output)
        elif node.op_type in PRODUCTS and dequantised.issuperset(node.input[:2]):
            names.add(node.name)
    return names

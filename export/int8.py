"""Planner to INT8: explicit Q/DQ pairs, weights symmetric a channel, activations symmetric, biases left as they are.

Weights are quantised when they are written, one after the other. For target `tensorrt` the scales are FP16 numbers from
the start, so that turning the graph to FP16 afterwards changes none of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from libra_edge.bundle import Target
from libra_edge.export.fresh_names import FreshNames
from libra_edge.export.graph import Graph
from libra_edge.export.layers import Layer, prepared, weighted_layers
from libra_edge.export.ranges import Watch
from libra_edge.export.weight import Weight, of_array

LARGEST = 127
SCALE_DTYPES: Mapping[str, type[np.floating[Any]]] = {"cpu": np.float32, "tensorrt": np.float16}
ZERO = np.zeros((), np.int8)


@dataclass(frozen=True, slots=True)
class Int8Choice:
    """What becomes INT8, and how far its ranges reach.

    Attributes:
        layers: names of the nodes.
        ranges: what `watched` names -> largest magnitude.
    """

    layers: Collection[str]
    ranges: Mapping[str, float]


def to_int8(graph: Graph, choice: Int8Choice, target: Target) -> Graph:
    """A copy of an FP32 graph in which the chosen layers multiply INT8 by INT8.

    `cpu`: each layer has a quantiser of its own, and a Conv's product is quantised as well, for ONNX Runtime's kernels.
    `tensorrt`: one quantiser a tensor.
    """
    changed = prepared(graph, choice.layers, subtract=target == "cpu")
    builder = _Builder(changed, choice.ranges, target)
    layers = {layer.name: layer for layer in weighted_layers(changed) if layer.name in choice.layers}
    nodes: list[NodeProto] = []
    for node in changed.nodes:
        nodes += builder.layer(node, layers[node.name]) if node.name in layers else [node]
    changed.nodes = nodes
    changed.drop_unused_weights()
    return changed


def watched(graph: Graph, layers: Collection[Layer]) -> dict[str, Watch]:
    """What must be observed to quantise these layers: their inputs by name, and the products of convolutions."""
    wanted = {layer.input: Watch(layer.input) for layer in layers}
    for layer in layers:
        if layer.operator == "Conv":
            bias = graph.weights[layer.bias].read() if layer.bias else None
            wanted[_product(layer)] = Watch(layer.output, bias)
    return wanted


def _product(layer: Layer) -> str:
    return f"product of {layer.name}"


class _Builder:
    """Adds Q/DQ pairs and their weights to a graph."""

    def __init__(self, graph: Graph, ranges: Mapping[str, float], target: Target) -> None:
        self._graph = graph
        self._ranges = ranges
        self._target = target
        self._names = FreshNames(graph)
        self._pairs: Counter[str] = Counter()
        self._dequantised: dict[str, str] = {}

    def layer(self, node: NodeProto, layer: Layer) -> list[NodeProto]:
        """Q and DQ of the input, DQ of the weight, the layer, and for a Conv on `cpu` Q and DQ of its product."""
        axis = 0 if layer.operator == "Conv" else 1
        before, node.input[0] = self._pair(layer.input, self._ranges[layer.input])
        weight, node.input[1] = self._weight(layer.weight, axis)
        if layer.operator != "Conv" or self._target != "cpu":
            return [*before, *weight, node]
        output, node.output[0] = node.output[0], self._names.take(f"{node.output[0]}_float")
        after, _ = self._pair(node.output[0], self._ranges[_product(layer)])
        after[-1].output[0] = output
        return [*before, *weight, node, *after]

    def _pair(self, tensor: str, largest: float) -> tuple[list[NodeProto], str]:
        """Nodes that take `tensor` to INT8 and back, none if they are there already, and what comes out.

        On `cpu` every layer has its own, with scales a rounding error apart: ONNX Runtime merges equal quantisers, and
        one that feeds several layers it does not turn to UINT8, which x86 needs, so those layers would run in FP32.
        """
        if self._target != "cpu" and tensor in self._dequantised:
            return [], self._dequantised[tensor]
        apart = np.float32(1) + np.float32(self._pairs[tensor]) * np.finfo(np.float32).eps
        self._pairs[tensor] += 1
        names = self._scale(tensor, _scales(np.array(largest), self._target) * apart, ZERO)
        take = self._names.take
        middle, end = take(f"{tensor}_quantised"), take(f"{tensor}_dequantised")
        self._dequantised[tensor] = end
        return [
            helper.make_node("QuantizeLinear", [tensor, *names], [middle], name=take(f"{tensor}_quantise")),
            helper.make_node("DequantizeLinear", [middle, *names], [end], name=take(f"{tensor}_dequantise")),
        ], end

    def _weight(self, name: str, axis: int) -> tuple[list[NodeProto], str]:
        """The node that dequantises a weight, none if it is there already, and what comes out."""
        if name in self._dequantised:
            return [], self._dequantised[name]
        weight = self._graph.weights[name]
        others = tuple(other for other in range(len(weight.shape)) if other != axis)
        scales = _scales(np.max(np.abs(weight.read()), axis=others, initial=0.0), self._target)
        stored = self._names.take(f"{name}_int8")
        self._graph.weights[stored] = _quantised(weight, scales, axis)
        inputs = [stored, *self._scale(name, scales, np.zeros(scales.shape, np.int8))]
        result = self._dequantised[name] = self._names.take(f"{name}_dequantised")
        node_name = self._names.take(f"{name}_dequantise")
        return [helper.make_node("DequantizeLinear", inputs, [result], name=node_name, axis=axis)], result

    def _scale(self, name: str, scale: NDArray[np.float32], zero_point: NDArray[np.int8]) -> tuple[str, str]:
        """Names of the new weights that hold a scale and its zero point."""
        names = self._names.take(f"{name}_scale"), self._names.take(f"{name}_zero_point")
        self._graph.weights.update(zip(names, (of_array(scale), of_array(zero_point)), strict=True))
        return names


def _scales(largest: NDArray[Any], target: Target) -> NDArray[np.float32]:
    """FP32 numbers; for `tensorrt` such as FP16 can hold. A range of nothing has scale 1."""
    form = np.finfo(SCALE_DTYPES[target])
    scales = np.where(largest > 0, np.clip(largest / LARGEST, float(form.tiny), float(form.max)), 1.0)
    return np.asarray(scales.astype(form.dtype).astype(np.float32))


def _quantised(weight: Weight, scales: NDArray[np.float32], axis: int) -> Weight:
    """The weight in INT8, computed when it is read: round half to even, as QuantizeLinear does."""
    spread = scales.reshape([-1 if other == axis else 1 for other in range(len(weight.shape))])

    def read() -> NDArray[np.int8]:
        return np.clip(np.rint(weight.read() / spread), -LARGEST, LARGEST).astype(np.int8)

    return Weight(np.dtype(np.int8), weight.shape, read)

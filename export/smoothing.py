"""Moves the outliers of activations into the weights behind them, where a scale a channel can hold them.

Channel j of a layer's input is divided by `s_j = max|X_j|^a / max|W_j|^(1 - a)` and row j of the weight multiplied by
it: the product stays what it was. The division goes into the LayerNormalization that makes the input, so it costs
nothing; where there is none, or something else reads its output, nothing is done.
Source: SmoothQuant, arXiv 2211.10438.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from libra_edge.export.graph import Graph
from libra_edge.export.ranges import Activation
from libra_edge.export.weight import derived, of_array

Factors = NDArray[np.float32]
LEAST = np.float32(1e-5)


def smoothed(
    graph: Graph, names: Collection[str], activations: Mapping[str, Activation], strength: float
) -> tuple[Graph, dict[str, Activation]]:
    """A copy of the graph, smoothed by `strength` (a, 0 to 1) before the MatMuls named, and what its inputs look like.

    Ranges of smoothed inputs are those of min-max, whatever the method: their histograms are not known.
    """
    changed = graph.copy()
    seen = dict(activations)
    consumers = changed.consumers()
    outputs = {value.name for value in graph.outputs}
    for node in changed.nodes:
        readers = consumers.get(node.output[0], []) if node.output[0] not in outputs else []
        if not _can_smooth(node, readers, changed, names):
            continue
        factors = _factors(
            seen[node.output[0]], [changed.weights[reader.input[1]].read() for reader in readers], strength
        )
        _divide(node, changed, factors)
        for reader in readers:
            _multiply(reader, changed, factors)
        seen[node.output[0]] = _divided(seen[node.output[0]], factors)
    changed.drop_unused_weights()
    return changed, seen


def _can_smooth(node: NodeProto, readers: list[NodeProto], graph: Graph, names: Collection[str]) -> bool:
    return (
        node.op_type == "LayerNormalization"
        and all(name in graph.weights for name in node.input[1:])
        and bool(readers)
        and all(reader.op_type == "MatMul" and reader.name in names for reader in readers)
    )


def _factors(activation: Activation, weights: list[NDArray[np.float32]], strength: float) -> Factors:
    """float32 [C]."""
    rows = np.maximum.reduce([np.abs(weight).max(axis=1) for weight in weights])
    inputs = np.maximum(activation.largest_by_channel, LEAST)
    factors = (inputs**strength / np.maximum(rows, LEAST) ** (1 - strength)).astype(np.float32)
    return np.asarray(np.maximum(factors, LEAST))


def _divide(norm: NodeProto, graph: Graph, factors: Factors) -> None:
    for index in range(1, len(norm.input)):
        name = graph.fresh(f"{norm.input[index]}_smoothed")
        graph.weights[name] = of_array(graph.weights[norm.input[index]].read() / factors)
        norm.input[index] = name


def _multiply(layer: NodeProto, graph: Graph, factors: Factors) -> None:
    name = graph.fresh(f"{layer.input[1]}_smoothed")
    graph.weights[name] = derived(graph.weights[layer.input[1]], lambda weight: weight * factors[:, np.newaxis])
    layer.input[1] = name


def _divided(activation: Activation, factors: Factors) -> Activation:
    by_channel = activation.largest_by_channel / factors
    all_at_the_end = np.zeros_like(activation.histogram)
    all_at_the_end[-1] = 1
    return Activation(float(by_channel.max()), by_channel, all_at_the_end)

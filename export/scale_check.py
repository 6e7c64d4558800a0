"""Whether the scales in a written INT8 planner are those that its weights and samples ask for.

Rates of tokens miss some faults: a head whose logits are all eight times too large moves none, a wrong map of keypoints
few. So every layer is held against FP32 by itself, without running anything.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import NodeProto

from libra_edge.export.graph import Graph
from libra_edge.export.int8 import LARGEST
from libra_edge.export.layers import weighted_layers


def largest_scale_factor(written: Graph, reference: Graph, ranges: Mapping[str, float]) -> float:
    """How far the worst layer is off, as a factor: 1 is not at all.

    Of a weight: its norm over that of the FP32 weight in `reference`. Of an input: what its INT8 reaches over the range
    it was given. Layers that are not INT8 in `written` are left out.
    """
    producers = written.producers()
    nodes = {node.name: node for node in written.nodes}
    factors = [1.0]
    for layer in weighted_layers(reference):
        node = nodes[layer.name]
        weight, given = (_dequantised(name, producers) for name in (node.input[1], node.input[0]))
        if weight is None or given is None:
            continue
        factors.append(_norm_of(weight, written) / (_norm(reference.weights[layer.weight].read()) or 1.0))
        if ranges[layer.input] > 0:
            factors.append(float(written.weights[given.input[1]].read()) * LARGEST / ranges[layer.input])
    return max(max(factor, 1.0 / factor) if factor > 0 else 1.0 for factor in factors)


def _dequantised(tensor: str, producers: Mapping[str, NodeProto]) -> NodeProto | None:
    """The DequantizeLinear that a tensor comes from, through Casts."""
    node = producers.get(tensor)
    while node is not None and node.op_type == "Cast":
        node = producers.get(node.input[0])
    return node if node is not None and node.op_type == "DequantizeLinear" else None


def _norm_of(dequantise: NodeProto, graph: Graph) -> float:
    """Norm of an INT8 weight times its scales, float32 [C] along the node's axis."""
    values = graph.weights[dequantise.input[0]].read().astype(np.float32)
    scales = graph.weights[dequantise.input[1]].read().astype(np.float32)
    axis = next((attribute.i for attribute in dequantise.attribute if attribute.name == "axis"), 1)
    spread = scales.reshape([-1 if other == axis else 1 for other in range(values.ndim)])
    return _norm(values * spread)


def _norm(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    return float(np.sqrt(np.sum(np.square(values), dtype=np.float64)))

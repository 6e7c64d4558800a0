"""Constant nodes as weights: one place for every number that a graph brings along."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import NodeProto, helper

from libra_edge.export.graph import Graph
from libra_edge.export.weight import Weight, of_array, of_tensor

DTYPES = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}


def constants_as_weights(graph: Graph) -> Graph:
    """A copy whose Constant nodes of numbers have become weights, but for those that are outputs of the graph."""
    copy = graph.copy()
    outputs = {value.name for value in graph.outputs}
    nodes = []
    for node in copy.nodes:
        weight = _weight(node) if node.op_type == "Constant" and node.output[0] not in outputs else None
        if weight is None:
            nodes.append(node)
        else:
            copy.weights[node.output[0]] = weight
    copy.nodes = nodes
    return copy


def _weight(constant: NodeProto) -> Weight | None:
    attribute = constant.attribute[0]
    value: Any = helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return of_tensor(value)
    if attribute.name not in DTYPES:
        return None
    return of_array(np.array(value, DTYPES[attribute.name]))

"""Casts pictures to floating point before anything else is done to them.

TensorRT takes UINT8 as an input of the network and in a Cast, and nowhere else; an exported policy crops and turns its
pictures while they are still one byte a pixel.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import NodeProto, TensorProto, helper

from libra_edge.export.fresh_names import FreshNames
from libra_edge.export.graph import Graph
from libra_edge.export.operators import MOVES
from libra_edge.export.weight import Array, Weight

FLOAT32 = np.dtype(np.float32)
ADVICE = "cast pictures to FP32 first, or export with --target cpu"


def cast_pictures_first(graph: Graph) -> Graph:
    """A copy whose uint8 inputs are read by Casts to FP32 alone; data movement behind them is done in FP32.

    The numbers are the same to the bit. Raises ValueError with one clause for a node that does more with bytes.
    """
    copy = graph.copy()
    names = FreshNames(copy)
    pictures = [value.name for value in copy.inputs if value.type.tensor_type.elem_type == TensorProto.UINT8]
    values = {picture: names.take(f"{picture}_fp32") for picture in pictures}
    nodes = [_cast(picture, values[picture], names) for picture in pictures]
    in_bytes = set(pictures)
    for node in copy.nodes:
        if in_bytes.isdisjoint(node.input) or node.op_type == "Shape":
            nodes.append(node)
        elif node.op_type == "Cast":
            node.input[0] = values[node.input[0]]
            nodes.append(node)
        elif node.op_type in MOVES:
            _check_outputs(node, copy)
            in_bytes.update(node.output)
            _read_floats(node, copy, values)
            values.update({name: name for name in node.output})
            nodes.append(node)
        else:
            raise ValueError(f"has node {node.name!r} ({node.op_type}) that reads bytes of a picture; {ADVICE}")
    copy.nodes = nodes
    return copy


def _cast(picture: str, value: str, names: FreshNames) -> NodeProto:
    return helper.make_node("Cast", [picture], [value], name=names.take(f"{value}_cast"), to=TensorProto.FLOAT)


def _check_outputs(node: NodeProto, graph: Graph) -> None:
    outputs = {value.name for value in graph.outputs}.intersection(node.output)
    if outputs:
        raise ValueError(f"has output {min(outputs)!r} in bytes of a picture; {ADVICE}")


def _read_floats(node: NodeProto, graph: Graph, values: dict[str, str]) -> None:
    """Let data movement read FP32 wherever it read bytes, be it a picture or a weight such as a padding."""
    for place, name in enumerate(node.input):
        weight = graph.weights.get(name)
        if weight is not None and weight.dtype == np.uint8:
            values[name] = f"{name}_fp32"
            graph.weights[values[name]] = Weight(FLOAT32, weight.shape, _floats(weight))
        node.input[place] = values.get(name, name)


def _floats(weight: Weight) -> Callable[[], Array]:
    return lambda: weight.read().astype(np.float32)

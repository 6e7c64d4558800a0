"""FLOPs and bytes of each node of an ONNX graph, from its shapes alone.

FLOPs are those of products (MatMul, Gemm, Conv), two for each multiply-add; a bias and every other operator count 0.
Bytes are each input read once and each output written once: the least traffic without fusion.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from onnx import ModelProto, NodeProto, helper, shape_inference

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NodeCost:
    """What one node asks of the device; both figures are None where a tensor's shape is not known."""

    name: str
    operator: str
    flops: int | None
    bytes: int | None


def graph_costs(model: ModelProto) -> tuple[NodeCost, ...]:
    """Every node's cost in the graph's order; None where a shape is dynamic or cannot be inferred."""
    tensors = _tensors(model)
    return tuple(_cost(node, tensors) for node in model.graph.node)


def _tensors(model: ModelProto) -> dict[str, tuple[Shape, int]]:
    """Shape and bytes an element of each tensor whose shape is known in full."""
    graph = shape_inference.infer_shapes(model).graph
    found = {weight.name: (tuple(weight.dims), _width(weight.data_type)) for weight in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        tensor = value.type.tensor_type
        if tensor.HasField("shape") and all(axis.HasField("dim_value") for axis in tensor.shape.dim):
            found[value.name] = (tuple(axis.dim_value for axis in tensor.shape.dim), _width(tensor.elem_type))
    return found


def _width(element: int) -> int:
    return int(helper.tensor_dtype_to_np_dtype(element).itemsize)


def _cost(node: NodeProto, tensors: dict[str, tuple[Shape, int]]) -> NodeCost:
    names = [name for name in (*dict.fromkeys(node.input), *node.output) if name]
    if not all(name in tensors for name in names):
        return NodeCost(node.name, node.op_type, None, None)
    moved = sum(prod(tensors[name][0]) * tensors[name][1] for name in names)
    return NodeCost(node.name, node.op_type, 2 * _multiply_adds(node, tensors), moved)


def _multiply_adds(node: NodeProto, tensors: dict[str, tuple[Shape, int]]) -> int:
    """Elements of the output times the terms that each one sums."""
    if node.op_type not in ("MatMul", "Gemm", "Conv"):
        return 0
    first, second = tensors[node.input[0]][0], tensors[node.input[1]][0]
    if node.op_type == "Conv":
        terms = prod(second[1:])
    elif node.op_type == "Gemm" and any(one.name == "transA" and one.i for one in node.attribute):
        terms = first[0]
    else:
        terms = first[-1]
    return prod(tensors[node.output[0]][0]) * terms

"""The layers of a graph, products with a weight, and the form in which they can be computed in INT8.

ONNX Runtime's INT8 kernels take a bias only as INT32, which TensorRT's parser refuses. And it folds `MatMul + Add` back
into a float Gemm before it looks for INT8 layers. So for ONNX Runtime every bias leaves its layer and is subtracted
with its sign changed: the same sum to the bit, and no fusion takes it back. TensorRT wants biases added, as they were.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, helper

from libra_edge.export.graph import Graph
from libra_edge.export.weight import Weight, derived, of_array, transposed

LAYER_OPERATORS = frozenset({"Conv", "MatMul", "Gemm"})
PRODUCTS = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm", "Einsum"})


@dataclass(frozen=True, slots=True)
class Layer:
    """A Conv, MatMul or Gemm that multiplies by a weight.

    Attributes:
        name: its node's.
        input, weight, output: names of tensors.
        bias: of a Conv, which is added within it.
        macs: multiply-adds of one pass; 0 where the output's shape is not known.
    """

    name: str
    operator: str
    input: str
    weight: str
    output: str
    bias: str | None
    macs: int


def weighted_layers(graph: Graph) -> tuple[Layer, ...]:
    """The layers in the graph's order; products of two activations are none, nor is a scaled Gemm."""
    types = graph.tensor_types()
    layers = []
    for node in graph.nodes:
        if node.op_type in LAYER_OPERATORS and _is_layer(node, graph):
            shape = types.get(node.output[0], (0, None))[1]
            weight = graph.weights[node.input[1]]
            bias = node.input[2] if node.op_type == "Conv" and len(node.input) > 2 else None
            macs = math.prod(shape) * _depth(node, weight) if shape else 0
            layers.append(Layer(node.name, node.op_type, node.input[0], node.input[1], node.output[0], bias, macs))
    return tuple(layers)


def product_macs(graph: Graph) -> dict[str, int]:
    """Multiply-adds of one pass by node name, of every product: with weights, and of two activations."""
    types = graph.tensor_types()
    macs = {layer.name: layer.macs for layer in weighted_layers(graph)}
    for node in graph.nodes:
        if node.op_type in ("MatMul", "Gemm") and node.name not in macs:
            output, left = (types.get(name, (0, None))[1] for name in (node.output[0], node.input[0]))
            macs[node.name] = math.prod(output) * left[-1] if output and left else 0
    return macs


def prepared(graph: Graph, names: Collection[str], *, subtract: bool) -> Graph:
    """A copy in which the named layers are a bare Conv or a MatMul, the bias behind it.

    `subtract`: the bias is subtracted with its sign changed, as ONNX Runtime needs it; without, it is added, and a Conv
    keeps its own.
    """
    changed = graph.copy()
    products = {node.output[0] for node in graph.nodes if node.op_type == "MatMul" and node.name in names}
    changed.nodes = [new for node in changed.nodes for new in _prepared(node, changed, names, products, subtract)]
    changed.drop_unused_weights()
    return changed


def _prepared(
    node: NodeProto, graph: Graph, names: Collection[str], products: set[str], subtract: bool
) -> list[NodeProto]:
    """The nodes that stand in for `node`; itself if nothing has to change. Adds to the weights what they need."""
    if node.op_type == "Add" and subtract:
        summands = _product_and_bias(node, graph, products)
        return [_bias(node, *summands, graph, subtract=True)] if summands else [node]
    if node.name not in names or node.op_type == "MatMul" or (node.op_type == "Conv" and not subtract):
        return [node]
    layer = _bare(node, graph)
    if len(node.input) < 3 or not node.input[2]:
        return [layer]
    layer.output[0] = f"{node.output[0]}_product"
    spatial_axes = len(graph.weights[node.input[1]].shape) - 2
    return [layer, _bias(node, layer.output[0], node.input[2], graph, subtract=subtract, spatial_axes=spatial_axes)]


def _is_layer(node: NodeProto, graph: Graph) -> bool:
    weight = graph.weights.get(node.input[1])
    if weight is None or weight.dtype != np.float32 or node.input[0] in graph.weights:
        return False
    if node.op_type == "Conv":
        return all(name in graph.weights for name in node.input[2:] if name)
    if node.op_type == "Gemm":
        return _is_plain(node) and all(name in graph.weights for name in node.input[2:] if name)
    return len(weight.shape) == 2


def _is_plain(gemm: NodeProto) -> bool:
    """True for x W + b with W possibly transposed, and nothing scaled."""
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in gemm.attribute}
    return values.get("alpha", 1.0) == 1.0 and values.get("beta", 1.0) == 1.0 and not values.get("transA", 0)


def _is_transposed(gemm: NodeProto) -> bool:
    return any(attribute.name == "transB" and attribute.i for attribute in gemm.attribute)


def _depth(node: NodeProto, weight: Weight) -> int:
    """Multiply-adds that one value of the output takes."""
    if node.op_type == "Conv":
        return math.prod(weight.shape[1:])
    return weight.shape[1] if node.op_type == "Gemm" and _is_transposed(node) else weight.shape[0]


def _product_and_bias(node: NodeProto, graph: Graph, products: set[str]) -> tuple[str, str] | None:
    for product, bias in (tuple(node.input), tuple(reversed(node.input))):
        if product in products and bias in graph.weights:
            return product, bias
    return None


def _bare(node: NodeProto, graph: Graph) -> NodeProto:
    """The Conv or Gemm without its bias, a Gemm as MatMul."""
    if node.op_type == "Conv":
        layer = helper.make_node("Conv", node.input[:2], node.output, name=node.name)
        layer.attribute.extend(node.attribute)
        return layer
    weight = node.input[1]
    if _is_transposed(node):
        graph.weights[f"{weight}_transposed"] = transposed(graph.weights[weight])
        weight = f"{weight}_transposed"
    return helper.make_node("MatMul", [node.input[0], weight], node.output, name=node.name)


def _bias(
    node: NodeProto, product: str, bias: str, graph: Graph, *, subtract: bool, spatial_axes: int = 0
) -> NodeProto:
    """The node behind a layer that adds its bias, or subtracts it with its sign changed."""
    name = f"{bias}_negated" if subtract else bias
    if subtract and not spatial_axes:
        graph.weights[name] = derived(graph.weights[bias], np.negative)
    elif subtract:
        name = f"{name}_spread"
        values = graph.weights[bias].read()
        graph.weights[name] = of_array(-values.reshape(*values.shape, *[1] * spatial_axes))
    operator = "Sub" if subtract else "Add"
    return helper.make_node(operator, [product, name], node.output, name=f"{node.name}_bias")

"""Brings the layers of a graph into the form in which ONNX Runtime really computes them in INT8.

Its INT8 kernels take a bias only as INT32, which TensorRT's parser refuses. And it folds `MatMul + Add` back into a
float Gemm before it looks for INT8 layers. So every bias leaves its layer and is subtracted with its sign changed: the
same sum to the bit, and no fusion takes it back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

Weights = dict[str, NDArray[Any]]


def separate_biases(model: ModelProto) -> ModelProto:
    """A copy in which every Gemm is a MatMul, no layer has a bias, and biases are subtracted behind their layer."""
    separated = _with_names(model)
    weights: Weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    products = {node.output[0] for node in separated.graph.node if node.op_type == "MatMul"}
    nodes = [new for node in separated.graph.node for new in _separated(node, weights, products)]
    used = {name for node in nodes for name in node.input} | {value.name for value in model.graph.output}
    del separated.graph.node[:], separated.graph.initializer[:]
    separated.graph.node.extend(nodes)
    kept = [numpy_helper.from_array(array, name) for name, array in weights.items() if name in used]
    separated.graph.initializer.extend(kept)
    return separated


def weighted_layers(model: ModelProto) -> list[str]:
    """Names of the Conv and MatMul nodes that multiply by a weight; products of two activations are no layers."""
    weights = {tensor.name for tensor in model.graph.initializer}
    layers = (node for node in model.graph.node if node.op_type in ("Conv", "MatMul"))
    return [node.name for node in layers if node.input[1] in weights]


def _with_names(model: ModelProto) -> ModelProto:
    """A copy in which every node has a name, by its first output where it had none."""
    copy = ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        node.name = node.name or f"{node.op_type}_{node.output[0]}"
    return copy


def _separated(node: NodeProto, weights: Weights, products: set[str]) -> list[NodeProto]:
    """The nodes that stand in for `node`; itself if nothing has to change. Adds to `weights` what they need."""
    if node.op_type == "Add":
        summands = _product_and_bias(node, weights, products)
        return [_subtraction(node, summands[0], _negated(summands[1], weights))] if summands else [node]
    if node.op_type not in ("Conv", "Gemm") or not all(name in weights for name in node.input[1:]):
        return [node]
    if node.op_type == "Gemm" and not _is_plain(node):
        return [node]
    layer = _bare(node, weights)
    if len(node.input) < 3:
        return [layer]
    layer.output[0] = f"{node.output[0]}_product"
    spatial_axes = weights[node.input[1]].ndim - 2
    return [layer, _subtraction(node, layer.output[0], _negated(node.input[2], weights, spatial_axes))]


def _product_and_bias(node: NodeProto, weights: Weights, products: set[str]) -> tuple[str, str] | None:
    for product, bias in (tuple(node.input), tuple(reversed(node.input))):
        if product in products and bias in weights:
            return product, bias
    return None


def _is_plain(gemm: NodeProto) -> bool:
    """True for x W + b with W possibly transposed, and nothing scaled."""
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in gemm.attribute}
    return values.get("alpha", 1.0) == 1.0 and values.get("beta", 1.0) == 1.0 and not values.get("transA", 0)


def _bare(node: NodeProto, weights: Weights) -> NodeProto:
    """The Conv or Gemm without its bias, a Gemm as MatMul."""
    if node.op_type == "Conv":
        layer = helper.make_node("Conv", node.input[:2], node.output, name=node.name)
        layer.attribute.extend(node.attribute)
        return layer
    weight = node.input[1]
    if any(attribute.name == "transB" and attribute.i for attribute in node.attribute):
        weights[f"{weight}_transposed"] = np.ascontiguousarray(weights[weight].T)
        weight = f"{weight}_transposed"
    return helper.make_node("MatMul", [node.input[0], weight], node.output, name=node.name)


def _negated(bias: str, weights: Weights, spatial_axes: int = 0) -> str:
    """Name of the bias with its sign changed, and with axes for what a convolution has behind its channels."""
    name = f"{bias}_negated" + "_spread" * bool(spatial_axes)
    weights[name] = -weights[bias].reshape(*weights[bias].shape, *[1] * spatial_axes)
    return name


def _subtraction(node: NodeProto, product: str, negated_bias: str) -> NodeProto:
    return helper.make_node("Sub", [product, negated_bias], node.output, name=f"{node.name}_bias")

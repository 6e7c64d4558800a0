"""The arithmetic of a graph in groups: which of them a policy bears in 16 bit is found out group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnx import NodeProto, TensorProto

from libra_edge.export.constants import constants_as_weights
from libra_edge.export.graph import Graph
from libra_edge.export.operators import FLEXIBLE, PRODUCTS

GROUPS = ("normalisation", "softmax", "products", "sampler", "pictures", "elementwise")
NORMALISATIONS = frozenset(
    {
        *("BatchNormalization", "GroupNormalization", "InstanceNormalization", "LayerNormalization"),
        *("LpNormalization", "MeanVarianceNormalization", "RMSNormalization"),
    }
)
SOFTMAX = frozenset({"Softmax", "LogSoftmax"})


def half_groups(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Group -> names of its nodes, in the order of the graph; every node that computes in FP32 is in exactly one.

    normalisation: layer normalisation and its kin, also where it is written as mean, square, root and division.
    softmax: Softmax and LogSoftmax.
    products: Conv, MatMul, Gemm and Einsum, of weights or activations.
    sampler: what lies behind the last product; in `refiner_step` the sampler's sum, elsewhere the last layer's bias.
    pictures: what is done to uint8 inputs before the first product with weights.
    elementwise: everything else.

    Data movement and Q/DQ are in no group: they take the type of what surrounds them. Raises ValueError like
    `Graph.tensor_types`.
    """
    plain = constants_as_weights(graph)
    types = {name: element for name, (element, _) in plain.tensor_types().items()}
    normalisations = _written_out_normalisations(plain)
    before_products = _before_products(plain)
    pictures = _pictures(plain)
    groups: dict[str, list[str]] = {group: [] for group in GROUPS}
    for node in plain.nodes:
        if not _computes(node, types):
            continue
        if node.op_type in NORMALISATIONS or node.name in normalisations:
            groups["normalisation"].append(node.name)
        elif node.op_type in SOFTMAX:
            groups["softmax"].append(node.name)
        elif node.op_type in PRODUCTS:
            groups["products"].append(node.name)
        elif node.name not in before_products:
            groups["sampler"].append(node.name)
        elif node.name in pictures:
            groups["pictures"].append(node.name)
        else:
            groups["elementwise"].append(node.name)
    return {group: tuple(names) for group, names in groups.items()}


def _computes(node: NodeProto, types: Mapping[str, int]) -> bool:
    touches = any(types.get(name) == TensorProto.FLOAT for name in (*node.input, *node.output))
    return touches and node.op_type not in FLEXIBLE


def _before_products(graph: Graph) -> set[str]:
    """Names of the nodes that have a product downstream."""
    leading: set[str] = set()
    before = set()
    for node in reversed(graph.nodes):
        if not leading.isdisjoint(node.output):
            before.add(node.name)
        if node.op_type in PRODUCTS or node.name in before:
            leading.update(node.input)
    return before


def _pictures(graph: Graph) -> set[str]:
    """Names of the nodes on the way from a uint8 input to its first product with weights."""
    seen = {value.name for value in graph.inputs if value.type.tensor_type.elem_type == TensorProto.UINT8}
    constant = set(graph.weights)
    names = set()
    for node in graph.nodes:
        inputs = [name for name in node.input if name]
        if all(name in constant for name in inputs):
            constant.update(node.output)
        weighted = node.op_type in PRODUCTS and any(name in constant for name in inputs)
        if not weighted and not seen.isdisjoint(inputs):
            seen.update(node.output)
            names.add(node.name)
    return names


def _written_out_normalisations(graph: Graph) -> set[str]:
    """Names of the nodes of `x / sqrt(mean(x²) + eps)`, and of `x - mean` before it.

    These are the chains that exporters write for RMS and layer normalisation: square, ReduceMean, Add, a root, and
    then Div, or Reciprocal and Mul.
    """
    makers = graph.producers()
    readers = graph.consumers()
    names: set[str] = set()
    for root in graph.nodes:
        chain = _square_to_root(root, makers)
        if chain:
            after = [root, *(node for node in readers[root.output[0]] if node.op_type == "Reciprocal")]
            scaled = [node for last in after for node in readers[last.output[0]] if node.op_type in ("Div", "Mul")]
            names.update(node.name for node in (*chain, *after, *scaled, *_centring(chain[0], makers)))
    return names


def _square_to_root(root: NodeProto, makers: Mapping[str, NodeProto]) -> Sequence[NodeProto]:
    """Square, mean, sum with eps; nothing if `root` is not the root of such a sum."""
    if root.op_type not in ("Sqrt", "Pow"):
        return ()
    for total in _made_by(root, "Add", makers):
        for mean in _made_by(total, "ReduceMean", makers):
            for square in (*_made_by(mean, "Pow", makers), *_made_by(mean, "Mul", makers)):
                if square.op_type == "Pow" or square.input[0] == square.input[1]:
                    return (square, mean, total)
    return ()


def _centring(square: NodeProto, makers: Mapping[str, NodeProto]) -> Sequence[NodeProto]:
    """The subtraction of the mean from what is squared, and that mean, if there is one."""
    for difference in _made_by(square, "Sub", makers):
        means = _made_by(difference, "ReduceMean", makers)
        if means:
            return (difference, *means)
    return ()


def _made_by(node: NodeProto, operator: str, makers: Mapping[str, NodeProto]) -> list[NodeProto]:
    return [makers[name] for name in dict.fromkeys(node.input) if name in makers and makers[name].op_type == operator]

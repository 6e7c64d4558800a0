"""Which nodes of an FP32 graph run in 16 bit, and which of their tensors are 16 bit then.

What each operator takes is read from its ONNX schema at the graph's opset. Arithmetic is 16 bit unless it is to be kept
or has no such form. What computes nothing takes the type that surrounds it, so that no Cast is needed: data movement
and QuantizeLinear follow their inputs; what makes numbers of integers or weights alone (Cast, DequantizeLinear,
ConstantOfShape, Gather in a table) follows its readers, and is FP32 as soon as one of them is.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass

from onnx import AttributeProto, NodeProto, TensorProto, defs

from libra_edge.export.constants import constants_as_weights
from libra_edge.export.graph import Graph
from libra_edge.export.half_format import FORMATS, Half, HalfFormat
from libra_edge.export.operators import FLEXIBLE

ALWAYS_FP32 = frozenset({("Resize", "roi")})
"""Inputs that stay FP32 though the schema allows 16 bit: a place in a picture is not an intensity."""
TYPED_BY_ATTRIBUTE = frozenset({"Cast", "ConstantOfShape"})
"""Their output's type is an attribute, and to_half knows which."""


@dataclass(frozen=True, slots=True)
class HalfForm:
    """The places of a node's inputs and outputs that are 16 bit when the node is."""

    inputs: frozenset[int]
    outputs: frozenset[int]


def half_nodes(graph: Graph, half: Half, keep: Collection[str]) -> dict[str, HalfForm]:
    """Node name -> its 16-bit form, of the nodes that run in 16 bit; those named in `keep` do not.

    Constants must be weights. Raises ValueError with one clause for a node that cannot be judged.
    """
    kept = frozenset(keep)
    forms = {name: form for name, form in _forms(graph, FORMATS[half]).items() if form is not None and name not in kept}
    wanted = _wanted_in_full(graph, forms)
    halves: set[str] = set()
    chosen = {}
    for node in graph.nodes:
        form = forms.get(node.name)
        if form is not None and _runs_in_half(node, form, graph.weights.keys(), halves, wanted):
            chosen[node.name] = form
            halves.update(node.output[place] for place in form.outputs)
    return chosen


def without_half_form(graph: Graph, half: Half) -> tuple[str, ...]:
    """Names of the nodes that touch FP32 tensors but that ONNX does not define in 16 bit at the graph's opset.

    `to_half` leaves them in FP32, whatever else is asked of it. Raises ValueError like `half_nodes`.
    """
    forms = _forms(constants_as_weights(graph), FORMATS[half])
    return tuple(name for name, form in forms.items() if form is None)


def _forms(graph: Graph, form: HalfFormat) -> dict[str, HalfForm | None]:
    """By node name, of the nodes that touch FP32 tensors; None where there is no 16-bit form."""
    types = {name: element for name, (element, _) in graph.tensor_types().items()}
    forms = {}
    for node in graph.nodes:
        _check(node, types)
        if any(types.get(name) == TensorProto.FLOAT for name in (*node.input, *node.output)):
            forms[node.name] = _form(node, types, graph.opset, form)
    return forms


def _check(node: NodeProto, types: Mapping[str, int]) -> None:
    if any(attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for attribute in node.attribute):
        raise ValueError(f"has node {node.name!r} ({node.op_type}) with a graph inside, which cannot be made 16 bit")
    unknown = [name for name in (*node.input, *node.output) if name and name not in types]
    if unknown:
        raise ValueError(f"has tensor {unknown[0]!r} at node {node.name!r} ({node.op_type}) of no known type")


def _form(node: NodeProto, types: Mapping[str, int], opset: int, form: HalfFormat) -> HalfForm | None:
    names = (*node.input, *node.output)
    if any(name and types[name] == TensorProto.UNDEFINED for name in names):
        return None  # sequences and optionals have types of their own
    signature = _signature(node.op_type, opset, form.constraint)
    inputs = [place for place, name in enumerate(node.input) if types.get(name) == TensorProto.FLOAT]
    outputs = [place for place, name in enumerate(node.output) if types.get(name) == TensorProto.FLOAT]
    leading = signature.output(outputs[0]) if outputs else signature.input(inputs[0])
    if not leading:
        return None
    half_inputs = frozenset(place for place in inputs if signature.input(place))
    return HalfForm(half_inputs, frozenset(place for place in outputs if signature.output(place)))


@dataclass(frozen=True, slots=True)
class _Signature:
    """By place: whether an operator's inputs and outputs may be 16 bit. The last of each may be repeated."""

    inputs: tuple[bool, ...]
    outputs: tuple[bool, ...]

    def input(self, place: int) -> bool:
        return self.inputs[min(place, len(self.inputs) - 1)]

    def output(self, place: int) -> bool:
        return self.outputs[min(place, len(self.outputs) - 1)]


@functools.cache
def _signature(operator: str, opset: int, constraint: str) -> _Signature:
    schema = defs.get_schema(operator, opset, "")
    allowed = {
        entry.type_param_str for entry in schema.type_constraints if constraint in tuple(entry.allowed_type_strs)
    }
    inputs = tuple(value.type_str in allowed and (operator, value.name) not in ALWAYS_FP32 for value in schema.inputs)
    sources = {value.type_str for value in schema.inputs}
    if operator not in TYPED_BY_ATTRIBUTE:
        allowed &= sources
    return _Signature(inputs, tuple(value.type_str in allowed for value in schema.outputs))


def _wanted_in_full(graph: Graph, forms: Mapping[str, HalfForm]) -> set[str]:
    """Tensors that are an output of the graph or that a node in FP32 reads, at once or through data movement."""
    wanted = {value.name for value in graph.outputs}
    for node in reversed(graph.nodes):
        form = forms.get(node.name)
        passes_on = node.op_type in FLEXIBLE and not wanted.isdisjoint(node.output)
        places = frozenset() if form is None or passes_on else form.inputs
        wanted.update(name for place, name in enumerate(node.input) if place not in places)
    return wanted


def _runs_in_half(node: NodeProto, form: HalfForm, weights: Set[str], halves: Set[str], wanted: Set[str]) -> bool:
    if node.op_type not in FLEXIBLE:
        return True
    moved: Sequence[bool] = [node.input[place] in halves for place in form.inputs if node.input[place] not in weights]
    if moved and len(set(moved)) == 1:
        return moved[0]
    return wanted.isdisjoint(node.output)

"""FP32 to 16 bit by the types in the graph itself, which is what a strongly typed TensorRT network goes by."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from onnx import NodeProto, TensorProto, helper, numpy_helper

from libra_edge.export.constants import constants_as_weights
from libra_edge.export.fresh_names import FreshNames
from libra_edge.export.graph import Graph
from libra_edge.export.half_format import FORMATS, Half, HalfFormat
from libra_edge.export.half_nodes import HalfForm, half_nodes
from libra_edge.export.half_range import half_weight, in_half, roles


def to_half(graph: Graph, half: Half, keep: Collection[str]) -> Graph:
    """A copy whose FP32 tensors are 16 bit, but for inputs, outputs and what the nodes named in `keep` compute.

    Casts stand where both meet, one a tensor and direction. Nodes that ONNX does not define in 16 bit stay in FP32 too;
    `without_half_form` names them. Q/DQ take part from opset 19. Weights are converted when they are read; one that
    does not fit raises BeyondHalf then, or `overflowing` finds it before; half_range.py tells what becomes of masks.
    Raises ValueError with one clause for a node that cannot be judged.
    """
    plain = constants_as_weights(graph)
    casting = _Casting(plain, FORMATS[half], half_nodes(plain, half, keep))
    for node in plain.nodes:
        casting.add(node)
    return casting.finished()


class _Casting:
    """Takes the nodes of a graph in their order and writes those of the 16-bit graph."""

    def __init__(self, graph: Graph, form: HalfFormat, forms: Mapping[str, HalfForm]) -> None:
        self._graph = graph
        self._form = form
        self._forms = forms
        self._names = FreshNames(graph)
        self._roles = roles(graph)
        self._outputs = {value.name for value in graph.outputs}
        self._nodes: list[NodeProto] = []
        self._weights = dict(graph.weights)
        self._made_in_half: set[str] = set()
        self._halves: dict[str, str] = {}
        self._fulls: dict[str, str] = {}

    def add(self, node: NodeProto) -> None:
        form = self._forms.get(node.name, HalfForm(frozenset(), frozenset()))
        for place, name in enumerate(node.input):
            node.input[place] = self._half(name) if place in form.inputs else self._full(name)
        self._nodes.append(node)
        for place in sorted(form.outputs):
            self._set_type(node, node.output[place])
            self._give(node, place)

    def finished(self) -> Graph:
        graph = Graph(
            self._graph.name, self._graph.opset, self._nodes, self._graph.inputs, self._graph.outputs, self._weights
        )
        graph.drop_unused_weights()
        return graph

    def _half(self, name: str) -> str:
        """Name of the 16-bit form of a tensor, made if there is none yet."""
        if name not in self._halves:
            self._halves[name] = self._names.take(f"{name}_{self._form.name}")
            weight = self._graph.weights.get(name)
            if weight is None:
                self._cast(name, self._halves[name], self._form.onnx)
            else:
                role = self._roles.get(name, "weight")
                self._weights[self._halves[name]] = half_weight(name, weight, self._form, role)
        return self._halves[name]

    def _full(self, name: str) -> str:
        """Name of the form of a tensor that is not 16 bit: itself, unless a 16-bit node made it."""
        if name in self._made_in_half and name not in self._fulls:
            self._fulls[name] = self._names.take(f"{name}_fp32")
            self._cast(self._halves[name], self._fulls[name], TensorProto.FLOAT)
        return self._fulls.get(name, name)

    def _give(self, node: NodeProto, place: int) -> None:
        """Note that the node makes this output in 16 bit; an output of the graph is cast back at once."""
        name = node.output[place]
        self._made_in_half.add(name)
        self._halves[name] = name
        if name in self._outputs:
            self._halves[name] = node.output[place] = self._names.take(f"{name}_{self._form.name}")
            self._fulls[name] = name
            self._cast(node.output[place], name, TensorProto.FLOAT)

    def _set_type(self, node: NodeProto, output: str) -> None:
        if node.op_type == "Cast":
            _set(node, "to", self._form.onnx)
        elif node.op_type == "ConstantOfShape":
            given = next((helper.get_attribute_value(a) for a in node.attribute), None)
            value = numpy_helper.to_array(given or helper.make_tensor("value", TensorProto.FLOAT, [1], [0.0]))
            halved = in_half(output, value, self._form, self._roles.get(output, "weight"))
            _set(node, "value", numpy_helper.from_array(halved, "value"))

    def _cast(self, source: str, target: str, onnx: int) -> None:
        node = helper.make_node("Cast", [source], [target], name=self._names.take(f"{target}_cast"), to=onnx)
        self._nodes.append(node)


def _set(node: NodeProto, name: str, value: int | TensorProto) -> None:
    """Give the node this attribute in place of all it has."""
    del node.attribute[:]
    node.attribute.append(helper.make_attribute(name, value))

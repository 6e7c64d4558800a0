"""Sorts the planner's layers by what they do, read from the graph's structure alone, so that it holds for any model.

vision tower           sees nothing but pictures
words and state        sees no picture, and does not attend
attention projections  its product meets another activation's, or comes from such a meeting
head                   no layer comes after it
FFN                    everything else
"""

from __future__ import annotations

from collections.abc import Iterable

from onnx import NodeProto, TensorProto

from libra_edge.export.graph import Graph
from libra_edge.export.layers import PRODUCTS, Layer, weighted_layers

GROUPS = ("vision tower", "words and state", "attention projections", "FFN", "head")


def layer_groups(graph: Graph, layers: Iterable[Layer] | None = None) -> dict[str, tuple[Layer, ...]]:
    """Group -> its layers in the graph's order; every layer is in one, and groups without layers are left out."""
    walk = _Walk(graph, tuple(layers) if layers is not None else weighted_layers(graph))
    found = {group: tuple(layer for layer in walk.layers if walk.group(layer) == group) for group in GROUPS}
    return {group: members for group, members in found.items() if members}


class _Walk:
    """Looks from layers up and down the graph."""

    def __init__(self, graph: Graph, layers: tuple[Layer, ...]) -> None:
        self.layers = layers
        self._producers = graph.producers()
        self._consumers = graph.consumers()
        self._layers = {layer.name for layer in layers}
        pictures = {value.name for value in graph.inputs if value.type.tensor_type.elem_type == TensorProto.UINT8}
        self._sources = _sources(graph, pictures)

    def group(self, layer: Layer) -> str:
        sources = self._sources[layer.input]
        if sources == {"picture"}:
            return "vision tower"
        attends = self._meets(layer.output, down=True) or self._meets(layer.input, down=False)
        if "picture" not in sources and not attends:
            return "words and state"
        if not self._reaches_layer(layer.output):
            return "head"
        return "attention projections" if attends else "FFN"

    def _meets(self, tensor: str, *, down: bool) -> bool:
        """Whether a product of two activations lies next on the way, with no layer between."""
        return any(node.op_type in PRODUCTS for node in self._way(tensor, down=down) if node.name not in self._layers)

    def _reaches_layer(self, tensor: str) -> bool:
        return any(node.name in self._layers for node in self._way(tensor, down=True, through=PRODUCTS))

    def _way(self, tensor: str, *, down: bool, through: frozenset[str] = frozenset()) -> Iterable[NodeProto]:
        """Nodes from `tensor` on, down or up, as far as the next product; beyond products of operators `through`."""
        open_tensors, seen = [tensor], set()
        while open_tensors:
            for node in self._next(open_tensors.pop(), down=down):
                if node.name in seen:
                    continue
                seen.add(node.name)
                yield node
                stops = node.name in self._layers or (node.op_type in PRODUCTS and node.op_type not in through)
                if not stops and not _normalises(node):
                    open_tensors += node.output if down else node.input
                elif not stops and (down and through):
                    open_tensors += node.output

    def _next(self, tensor: str, *, down: bool) -> list[NodeProto]:
        if down:
            return self._consumers.get(tensor, [])
        return [self._producers[tensor]] if tensor in self._producers else []


def _normalises(node: NodeProto) -> bool:
    """A normalisation ends a way: what lies beyond it belongs to the next block."""
    return node.op_type.endswith("Normalization")


def _sources(graph: Graph, pictures: set[str]) -> dict[str, set[str]]:
    """Tensor name -> which kinds of graph input it depends on: picture, other."""
    sources = {value.name: {"picture" if value.name in pictures else "other"} for value in graph.inputs}
    for node in graph.nodes:
        merged = set().union(*(sources.get(name, set()) for name in node.input))
        sources.update(dict.fromkeys(node.output, merged))
    return sources

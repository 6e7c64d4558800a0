"""Names for new tensors and nodes of a graph that is being rewritten."""

from __future__ import annotations

import itertools

from libra_edge.export.graph import Graph


class FreshNames:
    """Gives each name once. Tensors and nodes share the names here, though ONNX keeps them apart."""

    def __init__(self, graph: Graph) -> None:
        self._taken = set(graph.weights) | {value.name for value in graph.inputs}
        for node in graph.nodes:
            self._taken.update((node.name, *node.input, *node.output))

    def take(self, wanted: str) -> str:
        """`wanted`, or that with a number if it is taken."""
        numbered = (f"{wanted}_{number}" for number in itertools.count(1))
        name = next(name for name in itertools.chain((wanted,), numbered) if name not in self._taken)
        self._taken.add(name)
        return name

"""Pre-norm transformer blocks with random weights, scaled so that a deep stream neither dies nor explodes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from training.streamed_graph import StreamedGraph

Weights = NDArray[np.float32]

OUTLIERS_EVERY, OUTLIER_GAIN = 256, 5.0
"""A few channels are much larger than the rest, the same ones in every block, as in trained ones (arXiv 2208.07339)."""


def normal(rng: np.random.Generator, rows: int, columns: int) -> Weights:
    """float32 [rows, columns], scaled so that a product with it keeps the size of what comes in."""
    weights: Weights = rng.standard_normal((rows, columns), np.float32)
    weights /= math.sqrt(rows)
    return weights


class TransformerBlocks:
    """A stack of blocks of one width: their weights are drawn and streamed to the graph as they are needed."""

    def __init__(self, graph: StreamedGraph, width: int, head_width: int, depth: int, rng: np.random.Generator) -> None:
        self.width = width
        self._graph = graph
        self._head_width = head_width
        self._depth = depth
        self._rng = rng

    def run(self, name: str, stream: str, tokens: int) -> str:
        """The whole stack on a stream float32 [1, tokens, width]."""
        for index in range(self._depth):
            block = f"{name}.{index}"
            attended = self._attention(f"{block}.attention", self.norm(f"{block}.norm_attention", stream), tokens)
            stream = self._graph.node("Add", stream, attended)
            fed = self._feed_forward(f"{block}.feed", self.norm(f"{block}.norm_feed", stream))
            stream = self._graph.node("Add", stream, fed)
        return stream

    def norm(self, name: str, stream: str) -> str:
        """LayerNormalization whose gains have outliers."""
        gain = 1 + np.float32(0.1) * self._rng.standard_normal(self.width, np.float32)
        gain[::OUTLIERS_EVERY] *= OUTLIER_GAIN
        weights = [
            self._graph.weight(f"{name}.weight", gain),
            self._graph.weight(f"{name}.bias", self._bias(self.width)),
        ]
        return self._graph.node("LayerNormalization", stream, *weights, axis=-1, epsilon=1e-5)

    def linear(self, name: str, values: str, rows: int) -> str:
        """Values [..., rows] to [..., width]."""
        return self._product(name, values, normal(self._rng, rows, self.width))

    def _attention(self, name: str, values: str, tokens: int) -> str:
        graph, width = self._graph, self.width
        joined = self._product(f"{name}.query_key_value", values, normal(self._rng, width, 3 * width))
        parts = graph.split_node("Split", 3, joined, axis=-1, num_outputs=3)
        heads = np.array([1, tokens, width // self._head_width, self._head_width])
        orders = ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
        query, key, value = (
            graph.node("Transpose", graph.node("Reshape", part, heads), perm=order)
            for part, order in zip(parts, orders, strict=True)
        )
        scores = graph.node("Mul", graph.node("MatMul", query, key), np.float32(self._head_width**-0.5))
        mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), value)
        merged = graph.node("Reshape", graph.node("Transpose", mixed, perm=[0, 2, 1, 3]), np.array([1, tokens, width]))
        return self._product(f"{name}.out", merged, self._share * normal(self._rng, width, width))

    def _feed_forward(self, name: str, values: str) -> str:
        hidden = self._product(f"{name}.in", values, normal(self._rng, self.width, 4 * self.width))
        out = normal(self._rng, 4 * self.width, self.width)
        out -= out.mean(axis=0)
        return self._product(f"{name}.out", self._graph.node("Gelu", hidden), self._share * out)

    @property
    def _share(self) -> float:
        """What one of the stack's 2 * depth branches may add, so that all of them add about one."""
        return 1 / math.sqrt(2 * self._depth)

    def _product(self, name: str, values: str, weight: Weights) -> str:
        product = self._graph.node("MatMul", values, self._graph.weight(f"{name}.weight", weight))
        return self._graph.node("Add", product, self._graph.weight(f"{name}.bias", self._bias(weight.shape[1])))

    def _bias(self, length: int) -> Weights:
        bias = self._rng.standard_normal(length, np.float32)
        return np.multiply(bias, 0.02, out=bias)

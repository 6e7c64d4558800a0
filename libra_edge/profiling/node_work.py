"""What each node of a graph asks of whatever runs it: its kind, its multiply-adds, the bytes of weights and tensors.

Read from the graph alone, before anything runs: the base of every prediction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from onnx import NodeProto, TensorProto, helper

from libra_edge.export.graph import Graph, model_of
from libra_edge.export.graph_costs import graph_costs

Kind = Literal[
    "product", "batched", "convolution", "pointwise", "function", "softmax", "norm", "reduce",
    "quantise", "turned", "cut", "view",
]  # fmt: skip
"""`batched`: of two activations; `turned`: axes change places; `cut`: stretches are moved; `view`: nothing is."""
PRECISIONS: Mapping[int, str] = {
    TensorProto.FLOAT: "fp32",
    TensorProto.FLOAT16: "fp16",
    TensorProto.BFLOAT16: "bf16",
    TensorProto.INT8: "int8",
    TensorProto.UINT8: "int8",
}
FEEDS_INT8 = "DequantizeLinear"
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"), "view"),
    **dict.fromkeys(("Transpose", "DepthToSpace", "SpaceToDepth"), "turned"),
    **dict.fromkeys(("Slice", "Concat", "Split", "Gather", "Pad", "Expand", "Tile"), "cut"),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear", "Cast"), "quantise"),
    **dict.fromkeys(("Softmax", "LogSoftmax"), "softmax"),
    **dict.fromkeys(("LayerNormalization", "InstanceNormalization"), "norm"),
    **dict.fromkeys(("ReduceSum", "ReduceMean", "ReduceMax", "ArgMax"), "reduce"),
    **dict.fromkeys(("GlobalAveragePool", "AveragePool", "MaxPool"), "reduce"),
    **dict.fromkeys(("Erf", "Exp", "Log", "Tanh", "Sigmoid", "Gelu", "Softplus", "Sqrt", "Pow"), "function"),
    **dict.fromkeys(("Sin", "Cos"), "function"),
    **dict.fromkeys(("Conv", "ConvTranspose"), "convolution"),
}
"""Every other operator is taken for pointwise, MatMul and Gemm for products."""


@dataclass(frozen=True, slots=True)
class NodeWork:
    """One node.

    Attributes:
        precision: of a product, what it multiplies in: `int8` if all it multiplies comes dequantised; of another node,
            what it gives.
        flops: two for each multiply-add, and nothing else.
        rows: rows of the left side that meet each weight: M of an [M, K] x [K, N] product.
        elements: of the larger side.
        weight_bytes: weights as they are stored, read once.
        inputs, outputs: every other tensor, its name and bytes.
    """

    name: str
    operator: str
    kind: Kind
    precision: str
    flops: int
    rows: int
    elements: int
    weight_bytes: int
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


def node_work(graph: Graph) -> tuple[NodeWork, ...]:
    """Of the nodes that have to run: not of those that only make a constant.

    Raises ValueError with a clause that reads on from the graph's name if a shape is not known.
    """
    reader = _Reader(graph)
    return tuple(reader.work(node) for node in graph.nodes if node.output[0] not in reader.constants)


class _Reader:
    """Looks tensors up: shapes, sizes, and whether they are known before the graph runs."""

    def __init__(self, graph: Graph) -> None:
        self._types = graph.tensor_types()
        self._producers = graph.producers()
        self._flops = {cost.name: cost.flops for cost in graph_costs(model_of(graph, external=True))}
        self.constants: dict[str, int] = {name: weight.nbytes for name, weight in graph.weights.items()}
        for node in graph.nodes:  # in topological order
            if all(name in self.constants for name in node.input if name):
                self.constants.update({name: self._folded_bytes(node, name) for name in node.output if name})

    def work(self, node: NodeProto) -> NodeWork:
        inputs = tuple(name for name in dict.fromkeys(node.input) if name and name not in self.constants)
        outputs = tuple(name for name in node.output if name)
        kind = self._kind(node)
        return NodeWork(
            name=node.name,
            operator=node.op_type,
            kind=kind,
            precision=self._precision(node),
            flops=self._flops[node.name] or 0,
            rows=self._rows(node, kind),
            elements=max(math.prod(self._shape(name)) for name in (*inputs, *outputs)),
            weight_bytes=sum(self.constants[name] for name in dict.fromkeys(node.input) if name in self.constants),
            inputs={name: self._bytes(name) for name in inputs},
            outputs={name: self._bytes(name) for name in outputs},
        )

    def _folded_bytes(self, node: NodeProto, output: str) -> int:
        """A weight that is dequantised stays INT8 for the product that it feeds; every other one is made in advance."""
        return self.constants[node.input[0]] if node.op_type == FEEDS_INT8 else self._bytes(output)

    def _kind(self, node: NodeProto) -> Kind:
        if node.op_type in ("MatMul", "Gemm"):
            return "product" if node.input[1] in self.constants else "batched"
        return KINDS.get(node.op_type, "pointwise")

    def _precision(self, node: NodeProto) -> str:
        if node.op_type in ("MatMul", "Gemm", "Conv"):
            makers = [self._producers.get(name) for name in node.input[:2]]
            if all(maker is not None and maker.op_type == FEEDS_INT8 for maker in makers):
                return "int8"
        element = self._types[node.output[0]][0]
        return PRECISIONS.get(element, str(helper.tensor_dtype_to_np_dtype(element)))

    def _rows(self, node: NodeProto, kind: Kind) -> int:
        if kind == "convolution":
            return math.prod(self._shape(node.output[0])[2:])
        if kind in ("product", "batched"):
            shape: Sequence[int] = self._shape(node.output[0])
            return math.prod(shape[:-1]) if kind == "product" else math.prod(shape[-2:-1])
        return 0

    def _shape(self, tensor: str) -> tuple[int, ...]:
        shape = self._types.get(tensor, (0, None))[1]
        if shape is None:
            raise ValueError(f"has the tensor {tensor!r}, whose shape is not known")
        return shape

    def _bytes(self, tensor: str) -> int:
        element = self._types[tensor][0]
        return math.prod(self._shape(tensor)) * int(helper.tensor_dtype_to_np_dtype(element).itemsize)

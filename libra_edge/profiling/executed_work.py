"""A graph's nodes as they are executed: what an optimiser drops, and what it folds into the node before.

The rules are what ONNX Runtime 1.20 and TensorRT 10 are known to do with such graphs, kept few: a prediction need not
know more than what costs time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from libra_edge.profiling.node_work import Kind, NodeWork

HEADS = frozenset({"product", "batched", "convolution"})


@dataclass(frozen=True, slots=True)
class Task:
    """What is executed in one go: a node, and those that ride along with it.

    Attributes:
        kind, precision, rows, elements: of the node that makes the work.
        flops, weight_bytes: of all of them.
        tensor_bytes: what is read from outside and what the last of them writes.
    """

    name: str
    kind: Kind
    precision: str
    flops: int
    rows: int
    elements: int
    weight_bytes: int
    tensor_bytes: int


Joins = Callable[[NodeWork, NodeWork], bool]
"""Whether the second node is executed together with the first, whose only reader it is."""


def on_onnxruntime(nodes: Sequence[NodeWork]) -> tuple[Task, ...]:
    """On its CPU provider: activations fuse into FP32 products, Q/DQ around INT8 ones, and nothing else."""
    return _tasks(nodes, _joins_onnxruntime)


def on_tensorrt(nodes: Sequence[NodeWork]) -> tuple[Task, ...]:
    """Chains of pointwise nodes fuse with what they follow, views vanish. Attention is not taken for fused."""
    return _tasks(nodes, _joins_tensorrt)


def _joins_onnxruntime(head: NodeWork, node: NodeWork) -> bool:
    if head.kind not in HEADS:
        return False
    if head.precision == "int8":
        return node.operator == "QuantizeLinear"
    residual = node.operator == "Add" and head.kind == "convolution"
    return residual or node.operator == "Relu" or (node.operator in ("Add", "Mul") and len(node.inputs) == 1)


def _joins_tensorrt(head: NodeWork, node: NodeWork) -> bool:
    return head.kind == "view" or node.kind in ("pointwise", "function", "quantise", "view")


def _tasks(nodes: Sequence[NodeWork], joins: Joins) -> tuple[Task, ...]:
    """Nodes come in topological order: whatever makes a tensor has been placed before those that read it."""
    nodes = _without_dequantising(nodes)
    readers = Counter(name for node in nodes for name in node.inputs)
    group_of: dict[str, list[NodeWork]] = {}
    groups: list[list[NodeWork]] = []
    for node in nodes:
        made = (group_of[name] for name in node.inputs if name in group_of and readers[name] == 1)
        group = next((found for found in made if joins(_lead(found), node) and _ends_in(found, node)), None)
        if group is None:
            groups.append(group := [])
        group.append(node)
        group_of.update(dict.fromkeys(node.outputs, group))
    return tuple(_task(group) for group in groups)


def _without_dequantising(nodes: Sequence[NodeWork]) -> list[NodeWork]:
    """INT8 products read what was quantised: both backends drop the DequantizeLinear between."""
    readers: dict[str, list[NodeWork]] = {}
    for node in nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    dropped = {
        name: dict(node.inputs)
        for node in nodes
        for name in node.outputs
        if node.operator == "DequantizeLinear" and all(_is_int8_head(reader) for reader in readers.get(name, [node]))
    }
    kept = (node for node in nodes if not dropped.keys() & node.outputs.keys())
    return [replace(node, inputs=_read_through(node.inputs, dropped)) for node in kept]


def _read_through(inputs: Mapping[str, int], dropped: Mapping[str, dict[str, int]]) -> dict[str, int]:
    read: dict[str, int] = {}
    for name, size in inputs.items():
        read.update(dropped.get(name, {name: size}))
    return read


def _is_int8_head(node: NodeWork) -> bool:
    return node.kind in HEADS and node.precision == "int8"


def _ends_in(group: Sequence[NodeWork], node: NodeWork) -> bool:
    """The node reads what the last of the group makes."""
    return any(name in group[-1].outputs for name in node.inputs)


def _lead(group: Sequence[NodeWork]) -> NodeWork:
    """The one that makes the work: a product if there is one, else the largest that is no view."""
    return max(group, key=lambda node: (node.flops, node.kind in HEADS, node.kind != "view", node.elements))


def _task(group: Sequence[NodeWork]) -> Task:
    lead = _lead(group)
    sizes = {name: size for node in group for name, size in (*node.inputs.items(), *node.outputs.items())}
    inner = {name for node in group for name in node.outputs} & {name for node in group for name in node.inputs}
    return Task(
        name=lead.name,
        kind=lead.kind,
        precision=lead.precision,
        flops=sum(node.flops for node in group),
        rows=lead.rows,
        elements=lead.elements,
        weight_bytes=sum(node.weight_bytes for node in group),
        tensor_bytes=sum(size for name, size in sizes.items() if name not in inner),
    )

"""Raises the opset of a graph: 16-bit Q/DQ, which TensorRT needs, exist from opset 19.

Between 18 and 21 most operators that changed took more types or optional attributes; a node of before means the same.
Three did not, and are refused. Source: the schemas of onnx.defs, compared version by version.
"""

from __future__ import annotations

from types import MappingProxyType

from libra_edge.export.graph import Graph

LOWEST, HIGHEST = 18, 21
CHANGED_MEANING = MappingProxyType({"DFT": 20, "GridSample": 20, "GroupNormalization": 21})
"""Operator -> the opset from which it means something else: DFT's axis became an input, GridSample's modes have other
names, and GroupNormalization scales each channel, no longer each group."""


def raised_to(graph: Graph, opset: int = HIGHEST) -> Graph:
    """A copy at this opset, or at its own if that is higher.

    Raises ValueError with one clause if the graph's opset is below 18, if `opset` is beyond 21, or for a node whose
    meaning would change.
    """
    if graph.opset < LOWEST or opset > HIGHEST:
        raise ValueError(
            f"has opset {graph.opset}, which cannot be raised to {opset}; export it with opset {LOWEST} to {HIGHEST}"
        )
    for node in graph.nodes:
        changed = CHANGED_MEANING.get(node.op_type, 0)
        if graph.opset < changed <= opset:
            advice = f"export the model with opset {changed}"
            raise ValueError(
                f"has node {node.name!r} ({node.op_type}), which changes its meaning at opset {changed}; {advice}"
            )
    copy = graph.copy()
    copy.opset = max(graph.opset, opset)
    return copy

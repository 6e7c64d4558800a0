"""Why a product of the planner did not run in INT8: kept so on purpose, or ONNX Runtime's own doing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from libra_edge.export.graph import Graph
from libra_edge.export.layer_groups import layer_groups
from libra_edge.export.layers import product_macs
from libra_edge.export.mac_share import ExecutedProduct, MacShare

ATTENTION = "product of two activations (attention): kept in float on purpose"
TUNED = "kept out of INT8 by the precision file: {}"
RUNTIME = "ONNX Runtime kept it in float"
NOT_ASKED = "INT8 was not asked for"


@dataclass(frozen=True, slots=True)
class FloatProduct:
    """A product that ran in float. `layer` is its node in the model's planner, "" if ONNX Runtime hides which."""

    executed: ExecutedProduct
    layer: str
    reason: str


def float_products(
    macs: MacShare, planner: Graph, not_int8: Collection[str], *, int8: bool
) -> tuple[FloatProduct, ...]:
    """Every product that did not run in INT8, the largest first.

    `planner` is the FP32 graph; `not_int8` names its layers and layer groups that stay in float; `int8` tells whether
    the planner was to be quantised at all.
    """
    groups = {layer.name: group for group, layers in layer_groups(planner).items() for layer in layers}
    known = product_macs(planner)
    found = []
    for executed in macs.in_float:
        name = _node_of(executed.name, known)
        found.append(FloatProduct(executed, name, _reason(name, groups, not_int8) if int8 else NOT_ASKED))
    return tuple(found)


def _node_of(executed: str, known: Collection[str]) -> str:
    """The node that ONNX Runtime made this from: it keeps a node's name as the beginning of the new one."""
    return max((name for name in known if executed.startswith(name)), key=len, default="")


def _reason(name: str, groups: dict[str, str], not_int8: Collection[str]) -> str:
    if name and name not in groups:
        return ATTENTION
    kept = [wanted for wanted in not_int8 if wanted in (name, groups.get(name))]
    return TUNED.format(kept[0]) if kept else RUNTIME

"""Weights into 16 bit, and what does not fit there.

FP16 ends at 65504. A weight beyond that is an error, told when the weight is read. Constants that mask attention are
not weights in this sense: -1e9 or the smallest FP32 number before a Softmax means "never", and -16384 says the same,
for exp(-16384) is 0 in FP32 already. It leaves room for three masks and a score to be added up within FP16. Turned into
-inf they would give NaN: where a mask is multiplied by 0, and in a Softmax over nothing but -inf. A mask that is -inf
in FP32 stays so, and does what it did there.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from libra_edge.export.graph import Graph
from libra_edge.export.half_format import FORMATS, HalfFormat
from libra_edge.export.operators import MOVES
from libra_edge.export.weight import Weight

Array = NDArray[Any]
Role = Literal["weight", "mask", "scale"]

NEVER = 16384.0
SOFTMAX = frozenset({"Softmax", "LogSoftmax"})
KEEPS_MASKS = MOVES | {"Add", "Cast", "Clip", "Div", "Max", "Min", "Mul", "Neg", "Sub"}
QUANTISERS = frozenset({"QuantizeLinear", "DequantizeLinear"})


class BeyondHalf(ValueError):
    """A weight that 16 bit cannot hold; the message is one clause.

    Attributes:
        weight: its name in the FP32 graph.
        value: its largest absolute value, or of a scale the smallest.
    """

    def __init__(self, weight: str, value: float, problem: str) -> None:
        super().__init__(f"has {problem}")
        self.weight = weight
        self.value = value


def in_half(name: str, values: Array, form: HalfFormat, role: Role) -> Array:
    """float32 -> 16 bit, rounded to nearest. Raises BeyondHalf."""
    if role == "mask":
        values = np.where(np.isfinite(values), np.clip(values, -NEVER, NEVER), values)
    with np.errstate(over="ignore", under="ignore"):
        halved = values.astype(form.dtype)
    if np.any(np.isinf(halved) & np.isfinite(values)):
        largest = float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))
        limit = f"beyond the {form.largest:.6g} of {form.name.upper()}"
        wider = "--refiner bf16" if form.name == "fp16" else "--refiner fp32"
        advice = f"use {wider} or keep that layer in FP32"
        raise BeyondHalf(name, largest, f"weight {name!r} as large as {largest:.6g}, {limit}; {advice}")
    if role == "scale" and np.any((halved == 0) & (values != 0)):
        smallest = float(np.min(np.abs(values), where=values != 0, initial=np.inf))
        problem = f"scale {name!r} as small as {smallest:.3g}, which is 0 in {form.name.upper()}"
        raise BeyondHalf(name, smallest, f"{problem}; keep that layer in FP32")
    return halved


def half_weight(name: str, weight: Weight, form: HalfFormat, role: Role) -> Weight:
    """The weight in 16 bit, converted at each reading, which raises BeyondHalf if it does not fit."""
    return Weight(form.dtype, weight.shape, lambda: in_half(name, weight.read(), form, role))


def overflowing(graph: Graph) -> list[BeyondHalf]:
    """What does not fit among the weights of a graph that `to_half` made: reads each of them once, one by one."""
    halves = {form.dtype for form in FORMATS.values()}
    found = []
    for weight in graph.weights.values():
        if weight.dtype in halves:
            try:
                weight.read()
            except BeyondHalf as problem:
                found.append(problem)
    return found


def roles(graph: Graph) -> dict[str, Role]:
    """Tensor name -> "mask" or "scale", of those tensors that are nothing else; all others are weights."""
    found: dict[str, set[Role]] = defaultdict(set)
    for value in graph.outputs:
        found[value.name].add("weight")
    for node in reversed(graph.nodes):
        for place, name in enumerate(node.input):
            found[name].add(_role(node, place, found))
    return {name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1}


def _role(node: NodeProto, place: int, found: dict[str, set[Role]]) -> Role:
    if node.op_type in QUANTISERS:
        return "scale" if place == 1 else "weight"
    if node.op_type in SOFTMAX:
        return "mask"
    is_divisor = node.op_type == "Div" and place == 1
    if node.op_type in KEEPS_MASKS and not is_divisor and all(found[name] == {"mask"} for name in node.output):
        return "mask"
    return "weight"

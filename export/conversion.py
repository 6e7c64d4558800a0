"""FP32 graphs to the precision that was asked for, in the form that a target wants.

target      int8                                fp16, bf16                          fp32
cpu         Q/DQ over FP32                      weights in 16 bit, sums in FP32     as it is
tensorrt    Q/DQ with FP16 scales over FP16     16-bit tensors                      as it is
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from libra_edge.bundle import Target
from libra_edge.export.graph import Graph
from libra_edge.export.half import to_half
from libra_edge.export.half_format import Half
from libra_edge.export.half_groups import GROUPS as HALF_GROUPS
from libra_edge.export.half_groups import half_groups
from libra_edge.export.half_nodes import without_half_form
from libra_edge.export.half_weights import to_half_weights
from libra_edge.export.int8 import Int8Choice, to_int8
from libra_edge.export.layer_groups import GROUPS as LAYER_GROUPS
from libra_edge.export.layer_groups import layer_groups
from libra_edge.export.opset import raised_to
from libra_edge.export.picture_casts import cast_pictures_first
from libra_edge.export.precision import Calibrating, PlannerPrecision, RefinerPrecision
from libra_edge.export.ranges import Activation, range_of
from libra_edge.export.smoothing import smoothed

PlannerChoice = Literal["int8", "fp16", "fp32"]
RefinerChoice = Literal["fp16", "bf16", "fp32"]
TENSORRT_OPSET = 19
"""What FP16 scales of Q/DQ need, and no more: the oldest parser in use, TensorRT 10.3, is the one to please."""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One system's graphs after conversion, by graph name; and what its numbers are, by group of layers."""

    precision: str
    graphs: Mapping[str, Graph]
    layers: Mapping[str, str]


def convert_planner(
    planner: Graph,
    target: Target,
    choice: PlannerChoice,
    precision: PlannerPrecision,
    activations: Mapping[str, Activation],
) -> Stage:
    """The planner's stage; `activations` are needed for `int8`. Raises ValueError with one clause."""
    if choice == "int8":
        return _int8_planner(planner, target, precision, activations)
    _check_fp32(precision.fp32, [planner])
    graph, layers = _in_half(planner, target, choice, precision.fp32)
    return Stage(choice, {"planner": graph}, layers)


def convert_refiner(
    graphs: Mapping[str, Graph], target: Target, choice: RefinerChoice, precision: RefinerPrecision
) -> Stage:
    """The stage of the refiner's encoder and step. Raises ValueError with one clause that begins with its subject."""
    try:
        _check_fp32(precision.fp32, graphs.values())
    except ValueError as error:
        raise ValueError(f"refiner {error}") from error
    converted: dict[str, Graph] = {}
    layers: dict[str, str] = {}
    for name, graph in graphs.items():
        try:
            converted[name], layers = _in_half(graph, target, choice, precision.fp32)
        except ValueError as error:
            raise ValueError(f"{name}.onnx {error}") from error
    return Stage(choice, converted, layers)


def int8_graph(
    planner: Graph,
    target: Target,
    names: Collection[str],
    calibrating: Calibrating,
    activations: Mapping[str, Activation],
) -> Graph:
    """The planner with the named layers in INT8 and all else in FP32."""
    reference, ranges = int8_reference(planner, names, calibrating, activations)
    return to_int8(reference, Int8Choice(names, ranges), target)


def int8_reference(
    planner: Graph, names: Collection[str], calibrating: Calibrating, activations: Mapping[str, Activation]
) -> tuple[Graph, dict[str, float]]:
    """The FP32 planner just before its named layers become INT8, smoothed if so chosen, and the ranges they get."""
    if calibrating.smoothing:
        planner, activations = smoothed(planner, names, activations, calibrating.smoothing)
    ranges = {
        tensor: range_of(activation, calibrating.method, calibrating.percentile)
        for tensor, activation in activations.items()
    }
    return planner, ranges


def int8_layers(planner: Graph, not_int8: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Layer group -> the names of its layers that become INT8. Raises ValueError for a name that the planner lacks."""
    names = {group: tuple(layer.name for layer in layers) for group, layers in layer_groups(planner).items()}
    unknown = sorted(set(not_int8) - {*LAYER_GROUPS, *itertools.chain.from_iterable(names.values())})
    if unknown:
        raise ValueError(f"has no layer and no group of layers {unknown[0]!r}, which its precision file names")
    return {
        group: () if group in not_int8 else tuple(name for name in members if name not in not_int8)
        for group, members in names.items()
    }


def kept_in_fp32(graph: Graph, fp32: Collection[str]) -> set[str]:
    """Names of this graph's nodes that groups and names stand for."""
    groups = half_groups(graph)
    nodes = {node.name for node in graph.nodes}
    return {name for group in fp32 for name in groups.get(group, ())} | (set(fp32) & nodes)


def tensorrt_half(graph: Graph, half: Half, fp32: Collection[str]) -> Graph:
    """16-bit tensors, but for the groups and nodes named. Raises ValueError with one clause."""
    parsed = tensorrt_form(graph)
    return to_half(parsed, half, kept_in_fp32(parsed, fp32))


def tensorrt_form(graph: Graph) -> Graph:
    """What TensorRT's parser takes: pictures cast first, an opset that is new enough. Raises ValueError."""
    return raised_to(cast_pictures_first(graph), TENSORRT_OPSET)


def _int8_planner(
    planner: Graph, target: Target, precision: PlannerPrecision, activations: Mapping[str, Activation]
) -> Stage:
    _check_fp32(precision.fp32, [planner])
    groups, counts = int8_layers(planner, precision.not_int8), int8_layers(planner, ())
    names = [name for members in groups.values() for name in members]
    graph = int8_graph(planner, target, names, precision.calibrating, activations)
    rest = "fp32" if target == "cpu" else "fp16"
    sums = f"int8 x int8, summed in int32, result in {rest}"
    layers = {group: _mixed(members, len(counts[group]), sums, rest) for group, members in groups.items()}
    layers["products of activations"] = rest
    if target == "cpu":
        return Stage("int8", {"planner": graph}, {**layers, "everything else": rest})
    half = tensorrt_half(graph, "fp16", precision.fp32)
    others = {group: what for group, what in _half_layers("fp16", precision.fp32).items() if group != "products"}
    return Stage("int8", {"planner": half}, {**layers, **others})


def _mixed(members: Collection[str], count: int, quantised: str, rest: str) -> str:
    if len(members) == count:
        return quantised
    return rest if not members else f"{len(members)} of {count} layers {quantised}; the others {rest}"


def _in_half(
    graph: Graph, target: Target, choice: Literal["fp16", "bf16", "fp32"], fp32: Collection[str]
) -> tuple[Graph, dict[str, str]]:
    if choice == "fp32":
        return graph if target == "cpu" else tensorrt_form(graph), {"everything": "fp32"}
    if target == "cpu":
        return to_half_weights(graph, choice), {"weights": f"{choice}, cast to fp32 at load", "arithmetic": "fp32"}
    layers = _half_layers(choice, fp32)
    forced = without_half_form(tensorrt_form(graph), choice)
    if forced:
        layers[f"{len(forced)} nodes that ONNX does not define in {choice}"] = "fp32"
    return tensorrt_half(graph, choice, fp32), layers


def _half_layers(half: str, fp32: Collection[str]) -> dict[str, str]:
    groups = {group: "fp32" if group in fp32 else half for group in HALF_GROUPS}
    return {**groups, **{name: "fp32" for name in fp32 if name not in HALF_GROUPS}}


def _check_fp32(fp32: Collection[str], graphs: Iterable[Graph]) -> None:
    unknown = sorted(set(fp32) - {*HALF_GROUPS, *(node.name for graph in graphs for node in graph.nodes)})
    if unknown:
        raise ValueError(f"has no node and no group of operators {unknown[0]!r}, which its precision file names")

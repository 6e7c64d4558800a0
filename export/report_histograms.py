"""The report's histograms: of all the planner's INT8 inputs those that lose most of their signal, with their ranges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np

from libra_edge.bundle import Target
from libra_edge.export.conversion import int8_layers
from libra_edge.export.graph import Graph
from libra_edge.export.int8 import watched
from libra_edge.export.layer_groups import layer_groups
from libra_edge.export.layers import Layer, weighted_layers
from libra_edge.export.precision import PlannerPrecision
from libra_edge.export.quantisation_error import STEPS, QuantisationError, quantisation_error
from libra_edge.export.ranges import Activation, range_of
from libra_edge.export.report_figures import plural, svg
from libra_edge.export.target_export import TargetExport

SHOWN = 6
COLUMNS = 64
WIDTH, HEIGHT = 320, 130
NO_INT8 = "<p>The planner has no INT8 layers, so no activation is quantised.</p>"
HOW = (
    "INT8 holds 127 steps from zero to the end of its range (red line); what lies beyond is clipped. Of {count} these "
    "lose most: the error of rounding and clipping, as a share of the signal (root mean squares). Magnitudes to the "
    "right; the height of a column is the logarithm of how many values there are."
)
SMOOTHED = (
    " Ranges were smoothed after this was observed: the histograms show activations before smoothing, and inputs "
    "behind a LayerNormalization lose less than they show."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Quantised:
    """A tensor that becomes INT8, the layers whose it is, and what it loses."""

    tensor: str
    layers: tuple[Layer, ...]
    activation: Activation
    largest: float
    error: QuantisationError


def histograms_section(
    exports: Mapping[Target, TargetExport], activations: Mapping[str, Activation], planner: Graph
) -> str:
    """The worst inputs of each target; once for those that are quantised alike."""
    alike: dict[PlannerPrecision, list[Target]] = defaultdict(list)
    for target, export in exports.items():
        if export.stages["planner"].precision == "int8":
            alike[export.precision.planner.model_copy(update={"fp32": ()})].append(target)
    drawn = [
        f"<h3>{', '.join(targets)}</h3>{_worst(precision, targets, activations, planner)}"
        for precision, targets in alike.items()
    ]
    return "".join(drawn) or NO_INT8


def _worst(
    precision: PlannerPrecision, targets: list[Target], activations: Mapping[str, Activation], planner: Graph
) -> str:
    found = _quantised(precision, targets, activations, planner)
    if not found:
        return NO_INT8
    found.sort(key=lambda one: -one.error.total)
    group_of = {layer.name: group for group, layers in layer_groups(planner).items() for layer in layers}
    figures = "".join(_figure(one, group_of, targets) for one in found[:SHOWN])
    how = HOW.format(count=plural(len(found), "quantised tensor")) + (SMOOTHED if precision.smoothing else "")
    return f"<p>{how} Ranges by {escape(precision.calibrating.label)}.</p><div class=cards>{figures}</div>"


def _quantised(
    precision: PlannerPrecision, targets: list[Target], activations: Mapping[str, Activation], planner: Graph
) -> list[_Quantised]:
    """Every input of an INT8 layer; on `cpu` the products of convolutions too."""
    names = {name for members in int8_layers(planner, precision.not_int8).values() for name in members}
    layers: dict[str, list[Layer]] = defaultdict(list)
    for layer in weighted_layers(planner):
        for tensor in watched(planner, [layer]) if layer.name in names else ():
            if tensor in activations and (tensor == layer.input or "cpu" in targets):
                layers[tensor].append(layer)
    found = []
    for tensor, members in layers.items():
        largest = range_of(activations[tensor], precision.method, precision.percentile)
        error = quantisation_error(activations[tensor], largest)
        found.append(_Quantised(tensor, tuple(members), activations[tensor], largest, error))
    return found


def _figure(one: _Quantised, group_of: Mapping[str, str], targets: list[Target]) -> str:
    first = one.layers[0]
    is_input = one.tensor == first.input
    groups = ", ".join(dict.fromkeys(group_of[layer.name] for layer in one.layers))
    what = f"input of {first.name}" if is_input else f"product of {first.name}"
    more = f" and {len(one.layers) - 1} more" if len(one.layers) > 1 else ""
    alone = "" if is_input or targets == ["cpu"] else ", cpu alone"
    error = one.error
    words = (
        f"Error {error.total:.2%}: rounding {error.rounding:.2%}, clipping {error.clipping:.2%}. "
        f"99% of its values lie in the first {error.usual_steps:.3g} of {STEPS} steps."
    )
    return (
        f"<figure class=card><h4>{escape(groups)}</h4><figcaption>{escape(what + more + alone)}</figcaption>"
        f"{_histogram(one, what)}<p class=small>{escape(words)}</p></figure>"
    )


def _histogram(one: _Quantised, what: str) -> str:
    activation = one.activation
    counts = activation.histogram.reshape(COLUMNS, -1).sum(axis=1)
    heights = np.log1p(counts) / max(1.0, float(np.log1p(counts.max())))
    width = WIDTH / COLUMNS
    columns = "".join(
        f"M{width * place:.0f} {HEIGHT}v-{HEIGHT * height:.1f}h{width - 1:.0f}V{HEIGHT}z"
        for place, height in enumerate(heights)
        if height
    )
    end = WIDTH * one.largest / activation.largest if activation.largest else WIDTH
    drawn = [f'<path class="cpu" d="{columns}"/>', *_range(end, one.largest), _axis(activation.largest)]
    label = f"Histogram of {what}: magnitudes up to {activation.largest:.4g}, INT8 reaches {one.largest:.4g}"
    return svg(label, WIDTH + 6, HEIGHT + 42, drawn)


def _range(end: float, largest: float) -> list[str]:
    """The range's end, and a veil over what is clipped."""
    anchor, baseline = ("start", HEIGHT + 34) if end < WIDTH / 4 else ("end", HEIGHT + 34)
    return [
        f'<rect x="{end:.1f}" y="0" width="{max(0.0, WIDTH - end):.1f}" height="{HEIGHT}" class="clipped"/>',
        f'<line x1="{end:.1f}" x2="{end:.1f}" y1="0" y2="{HEIGHT + 20}" class="range"/>',
        f'<text x="{end:.1f}" y="{baseline}" text-anchor="{anchor}">INT8 to ±{largest:.3g}</text>',
    ]


def _axis(largest: float) -> str:
    return (
        f'<line x1="0" x2="{WIDTH}" y1="{HEIGHT}" y2="{HEIGHT}" class="grid"/>'
        f'<text x="0" y="{HEIGHT + 16}" class="dim">0</text>'
        f'<text x="{WIDTH - 6}" y="{HEIGHT + 16}" text-anchor="end" class="dim">largest {largest:.3g}</text>'
    )

"""The machine's limits on the page: a roofline with every product as a dot, and how far each stage is from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from libra_edge.profiling.document import LayerEntry, PeaksEntry, ProfileDocument, RooflineEntry
from libra_edge.profiling.page.markup import cell, key, ms, row, section, table

WIDTH, HEIGHT = 1000.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 20.0, 16.0, 40.0
INTENSITIES = (0.1, 1000.0)
"""FLOPs a byte, from one side of the drawing to the other."""
DECADES = 4.0
"""Of FLOP/s, below the highest peak."""
HEADS = ("stage", "its layers take", "limit", "share of the limit", "in layers that memory limits")
UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"))


def roofline_section(document: ProfileDocument) -> str:
    """Nothing where the peaks were not measured."""
    roofline = document.roofline
    if roofline is None:
        return ""
    dots = [layer for layer in document.layers if layer.flops and layer.bytes and layer.ms]
    words = (
        f"Measured here: {_peak_words(roofline.measured)}. Each dot is a product, as large as its time is long: the "
        "higher the faster, and no dot can be above the line of its precision. The dashed line is the limit for what "
        "comes from memory instead of a cache. What multiplies nothing has no dot."
    )
    if roofline.sheet is not None:
        words += f" The data sheet says {_peak_words(roofline.sheet)}."
    legend = [("layer-dot", "limited by products"), ("layer-dot memory", "limited by memory")]
    body = _drawing(dots, roofline.measured) + key(legend) + table(HEADS, _rows(roofline))
    return section("What the machine allows", words, body)


def _rows(roofline: RooflineEntry) -> list[str]:
    return [
        row(
            [
                cell(stage.replace("_", " ")),
                cell(f"{ms(roof.layers_ms)} ms"),
                cell(f"{ms(roof.bound_ms)} ms"),
                cell(_percent(roof.bound_ms, roof.layers_ms)),
                cell(_percent(roof.memory_ms, roof.layers_ms)),
            ]
        )
        for stage, roof in roofline.stages.items()
    ]


def _drawing(layers: Sequence[LayerEntry], peaks: PeaksEntry) -> str:
    top = math.ceil(math.log10(max(peaks.flops.values())) * 4) / 4
    drawn = [_grid(top), _memory(peaks, top), *(_roof(peaks, name, rate, top) for name, rate in peaks.flops.items())]
    most = max((layer.ms or 0.0 for layer in layers), default=1.0)
    drawn += [_dot(layer, top, most) for layer in sorted(layers, key=lambda layer: -(layer.ms or 0.0))]
    label = "Operations a second of every product against its operations a byte, under the machine's limits"
    return f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="{escape(label)}">{"".join(drawn)}</svg>'


def _grid(top: float) -> str:
    """A line for each power of ten, either way."""
    upright = (10.0**power for power in range(-1, 4))
    level = (10.0**power for power in range(math.ceil(top - DECADES), math.floor(top) + 1))
    lines = [_line(_x(at), _x(at), TOP, HEIGHT - BOTTOM) + _text(_x(at), HEIGHT - 22, f"{at:g}") for at in upright]
    for flops in level:
        y = _y(flops, top)
        lines.append(_line(LEFT, WIDTH - RIGHT, y, y) + _text(LEFT - 6, y + 4, _rate(flops), "end"))
    return "".join(lines) + _text(WIDTH / 2, HEIGHT - 5, "FLOPs for each byte moved")


def _line(from_x: float, to_x: float, from_y: float, to_y: float) -> str:
    return f'<line class="tick" x1="{from_x:.1f}" x2="{to_x:.1f}" y1="{from_y:.1f}" y2="{to_y:.1f}"/>'


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text class="dim" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _roof(peaks: PeaksEntry, precision: str, rate: float, top: float) -> str:
    """Up with the fastest memory, then level with the products."""
    fastest = max(bandwidth for _, bandwidth in peaks.bandwidth)
    ridge = min(max(rate / fastest, INTENSITIES[0]), INTENSITIES[1])
    points = [(INTENSITIES[0], INTENSITIES[0] * fastest), (ridge, rate), (INTENSITIES[1], rate)]
    path = " ".join(_point(intensity, flops, top) for intensity, flops in points)
    text = f'<text x="{WIDTH - RIGHT - 4}" y="{_y(rate, top) - 5:.1f}" text-anchor="end">{escape(precision)}</text>'
    return f'<polyline class="roof" points="{path}"/>{text}'


def _memory(peaks: PeaksEntry, top: float) -> str:
    """What has to come from the slowest memory has no higher limit than this."""
    slowest, most = peaks.bandwidth[-1][1], max(peaks.flops.values())
    if slowest == peaks.bandwidth[0][1]:
        return ""
    ends = ((at, at * slowest) for at in (INTENSITIES[0], min(most / slowest, INTENSITIES[1])))
    return f'<polyline class="roof slow" points="{" ".join(_point(at, flops, top) for at, flops in ends)}"/>'


def _point(intensity: float, flops: float, top: float) -> str:
    return f"{_x(intensity):.1f},{_y(flops, top):.1f}"


def _dot(layer: LayerEntry, top: float, most: float) -> str:
    flops, size, time = layer.flops or 0.0, layer.bytes or 1.0, layer.ms or 1e-6
    radius = 2.0 + 8.0 * math.sqrt(time / most)
    look = "layer-dot memory" if layer.bound_by == "memory" else "layer-dot"
    place = f'cx="{_x(flops / size):.1f}" cy="{_y(1e3 * flops / time, top):.1f}" r="{radius:.1f}"'
    words = f"{layer.name}, {layer.stage}, {layer.precision}: {ms(time)} ms, {_rate(1e3 * flops / time)}FLOP/s"
    return f'<circle class="{look}" {place}><title>{escape(words)}</title></circle>'


def _x(intensity: float) -> float:
    low, high = (math.log10(end) for end in INTENSITIES)
    share = (math.log10(intensity) - low) / (high - low)
    return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)


def _y(flops: float, top: float) -> float:
    share = (top - math.log10(max(flops, 1.0))) / DECADES
    return TOP + min(max(share, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM)


def _peak_words(peaks: PeaksEntry) -> str:
    products = ", ".join(f"{_rate(rate)}FLOP/s in {name}" for name, rate in peaks.flops.items())
    fastest, slowest = peaks.bandwidth[0][1], peaks.bandwidth[-1][1]
    if fastest == slowest:
        return f"{products}; {_rate(slowest)}B/s"
    return f"{products}; {_rate(slowest)}B/s from memory, up to {_rate(fastest)}B/s from the caches"


def _rate(value: float) -> str:
    scale, unit = next(((scale, unit) for scale, unit in UNITS if value >= scale), (1e6, "M"))
    return f"{value / scale:.3g} {unit}"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"

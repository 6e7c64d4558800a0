"""Layers on the page: the costliest on top, all of them below."""

from __future__ import annotations

from collections.abc import Sequence

from libra_edge.profiling.document import LayerEntry
from libra_edge.profiling.page.markup import BAR_WIDTH, cell, ms, picture, row, section, svg_bar, table

TOP = 20
HEADS = ("layer", "stage", "type", "precision", "", "ms", "share", "MFLOP", "MB")


def layer_section(layers: Sequence[LayerEntry]) -> str:
    """Nothing where no layer was timed."""
    timed = sorted((layer for layer in layers if layer.ms is not None), key=lambda layer: -(layer.ms or 0.0))
    if not timed:
        return ""
    whole = sum(layer.ms or 0.0 for layer in timed)
    rows = [_row(layer, whole, timed[0].ms or 0.0) for layer in timed]
    body = table(HEADS, rows[:TOP])
    if len(rows) > TOP:
        body += f"<details><summary>All {len(rows)} layers</summary>{table(HEADS, rows)}</details>"
    words = "Time of each layer in one call of its engine, the costliest first; FLOPs and bytes come from the graph."
    return section("Layers", words, body)


def _row(layer: LayerEntry, whole: float, most: float) -> str:
    time = layer.ms or 0.0
    width = BAR_WIDTH * time / most if most else 0.0
    bar = svg_bar(f'<rect class="on-path" y="3" width="{width:.1f}" height="12"/>', f"{layer.name} in time")
    words = [
        cell(layer.name[-60:], "long word"),
        cell(layer.stage, "word"),
        cell(layer.type, "word"),
        cell(layer.precision, "word"),
    ]
    share = f"{100 * time / whole:.1f} %" if whole else "-"
    return row([*words, picture(bar), cell(ms(time)), cell(share), cell(_mega(layer.flops)), cell(_mega(layer.bytes))])


def _mega(number: float | None) -> str:
    return "-" if number is None else f"{number / 1e6:.2f}"

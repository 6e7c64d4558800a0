"""Layers on the page: the costliest on top, all of them below."""

from __future__ import annotations

from collections.abc import Sequence

from libra_edge.profiling.document import LayerEntry, LayerSumEntry
from libra_edge.profiling.page.markup import BAR_WIDTH, cell, ms, picture, row, section, svg_bar, table

TOP = 20
HEADS = ("layer", "stage", "type", "precision", "", "ms", "share", "limit, ms", "limited by", "MFLOP", "MB")
WORD_HEADS = ("stage", "type", "precision", "limited by")
WORDS = (
    "Time of each layer in one plan or one chunk, the costliest first; a denoising step's counts as often as it runs. "
    "The dark end of a bar is the least that products or memory allow on this machine. FLOPs and bytes come from the "
    "graph."
)


def layer_section(layers: Sequence[LayerEntry], sums: Sequence[LayerSumEntry]) -> str:
    """Nothing where no layer was timed."""
    timed = sorted((layer for layer in layers if layer.ms is not None), key=lambda layer: -(layer.ms or 0.0))
    if not timed:
        return ""
    whole = sum(layer.ms or 0.0 for layer in timed)
    rows = [_row(layer, whole, timed[0].ms or 0.0) for layer in timed]
    body = table(HEADS, rows[:TOP], WORD_HEADS)
    if len(rows) > TOP:
        body += f"<details><summary>All {len(rows)} layers</summary>{table(HEADS, rows, WORD_HEADS)}</details>"
    return section("Layers", " ".join([WORDS, *(_explained(one) for one in sums)]), body)


def _explained(sums: LayerSumEntry) -> str:
    return (
        f"Those of {sums.stage.replace('_', ' ')} add up to {ms(sums.layers_ms)} ms, where the stage itself "
        f"took {ms(sums.stage_ms)} ms ({sums.difference_percent:.1f} % off)."
    )


def _row(layer: LayerEntry, whole: float, most: float) -> str:
    time = layer.ms or 0.0
    width = BAR_WIDTH * time / most if most else 0.0
    least = min(width, BAR_WIDTH * (layer.bound_ms or 0.0) / most) if most else 0.0
    drawn = f'<rect class="beside-path" y="3" width="{width:.1f}" height="12"/>'
    bar = svg_bar(f'{drawn}<rect class="on-path" y="3" width="{least:.1f}" height="12"/>', f"{layer.name} in time")
    words = [
        cell(layer.name[-60:], "long word"),
        cell(layer.stage, "word"),
        cell(layer.type, "word"),
        cell(layer.precision, "word"),
    ]
    share = f"{100 * time / whole:.1f} %" if whole else "-"
    limit = [cell(ms(layer.bound_ms)), cell(layer.bound_by or "-", "word")]
    return row([*words, picture(bar), cell(ms(time)), cell(share), *limit, *map(cell, _megas(layer))])


def _megas(layer: LayerEntry) -> tuple[str, str]:
    return _mega(layer.flops), _mega(layer.bytes)


def _mega(number: float | None) -> str:
    return "-" if number is None else f"{number / 1e6:.2f}"

"""A plan as a picture: a grid of tokens, control steps to the right, joints downwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from html import escape

import numpy as np

from libra_edge.export.report_figures import svg
from libra_edge.messages import Int64

LARGE, SMALL = 26, 9
MOST_WITH_NUMBERS = 24
"""Plans with more steps get small cells without numbers."""
MOST_LETTERS = 18
COLOURS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Viridis at five points: ordered for every eye, and in grey. Source: matplotlib's default colour map."""
MOST_SWATCHES = 32


def token_map(label: str, tokens: Int64, joints: Sequence[str], bins: int, differs_from: Int64 | None = None) -> str:
    """int64 [L_macro, D]; cells that differ from the other map wear a ring."""
    steps = len(tokens)
    cell = LARGE if steps <= MOST_WITH_NUMBERS else SMALL
    left = 12 + 7 * min(MOST_LETTERS, max(len(joint) for joint in joints))
    drawn = [_joint(joint, left - 8, cell * row + (cell + 9) / 2) for row, joint in enumerate(joints)]
    drawn += _cells(tokens, left, cell, bins)
    if differs_from is not None:
        drawn.append(_rings(np.argwhere(tokens != differs_from), left, cell))
    bottom = cell * len(joints) + 18
    drawn.append(f'<text x="{left}" y="{bottom}" class="dim">control step 0 … {steps - 1}</text>')
    return svg(label, left + cell * steps + 4, bottom + 6, drawn)


def legend(bins: int) -> str:
    """Which colour is which token."""
    shown = [round(index) for index in np.linspace(0, bins - 1, min(bins, MOST_SWATCHES))]
    drawn = [
        f'<rect x="{60 + 9 * place}" y="2" width="9" height="14" fill="{_colour(token, bins)}"/>'
        for place, token in enumerate(shown)
    ]
    end = 66 + 9 * len(shown)
    drawn += ['<text x="0" y="14">token 0</text>', f'<text x="{end}" y="14">{bins - 1}</text>']
    return svg(f"Colours from token 0, dark, to token {bins - 1}, bright", end + 40, 20, drawn)


def _joint(name: str, right: float, baseline: float) -> str:
    shown = name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
    return f'<text x="{right}" y="{baseline}" text-anchor="end">{escape(shown)}<title>{escape(name)}</title></text>'


def _cells(tokens: Int64, left: int, cell: int, bins: int) -> list[str]:
    """One path a token, so that a large plan stays small on the page; and its number where there is room."""
    side = cell - 2 if cell == LARGE else cell - 1
    outlines: dict[int, list[str]] = defaultdict(list)
    numbers = []
    for (step, row), token in np.ndenumerate(tokens):
        x, y = left + cell * step + 1, cell * row + 1
        outlines[int(token)].append(f"M{x} {y}h{side}v{side}h-{side}z")
        if cell == LARGE:
            ink = "#000" if token / (bins - 1) > 0.55 else "#fff"
            numbers.append(f'<text x="{x + 12}" y="{y + 17}" text-anchor="middle" style="fill:{ink}">{token}</text>')
    paths = [f'<path fill="{_colour(token, bins)}" d="{"".join(parts)}"/>' for token, parts in sorted(outlines.items())]
    return paths + numbers


def _rings(places: Int64, left: int, cell: int) -> str:
    outlines = (f"M{left + cell * step} {cell * row}h{cell}v{cell}h-{cell}z" for step, row in places)
    return f'<path class="ring" data-rings="{len(places)}" d="{"".join(outlines)}"/>' if len(places) else ""


def _colour(token: int, bins: int) -> str:
    stops = np.linspace(0, 1, len(COLOURS))
    red, green, blue = (round(float(np.interp(token / (bins - 1), stops, hue))) for hue in zip(*COLOURS, strict=True))
    return f"rgb({red},{green},{blue})"

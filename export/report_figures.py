"""The figures of an export's report as inline SVG: bars before and after, and maps of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from libra_edge.messages import Int64

CELL = 26
LABEL = 104
COLOURS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Viridis at five points: ordered for every eye, and in grey. Source: matplotlib's default colour map."""


def bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """Horizontal bars, a row each of (label, length, text behind it); the first, the reference, is drawn pale."""
    longest = max(value for _, value, _ in rows) or 1.0
    drawn = []
    for index, (label, value, text) in enumerate(rows):
        top, width = 6 + 30 * index, max(2.0, 330 * value / longest)
        look = "after" if index else "before"
        drawn.append(
            f'<text x="0" y="{top + 15}">{escape(label)}</text>'
            f'<rect x="70" y="{top}" width="{width:.1f}" height="20" rx="4" class="{look}"/>'
            f'<text x="{78 + width:.1f}" y="{top + 15}">{escape(text)}</text>'
        )
    return _svg(520, 8 + 30 * len(rows), drawn)


def token_map(tokens: Int64, joints: Sequence[str], bins: int, differs_from: Int64 | None = None) -> str:
    """int64 [L_macro, D] as a grid, steps to the right; cells that differ from the other map wear a ring."""
    steps = len(tokens)
    drawn = []
    for column, joint in enumerate(joints):
        top = CELL * column
        drawn.append(f'<text x="{LABEL - 8}" y="{top + 18}" text-anchor="end">{escape(joint)}</text>')
        for step in range(steps):
            token = int(tokens[step, column])
            ring = differs_from is not None and token != differs_from[step, column]
            drawn.append(_cell(LABEL + CELL * step, top, token, bins, ring=ring))
    drawn.append(f'<text x="{LABEL}" y="{CELL * len(joints) + 18}">control step 0 … {steps - 1}</text>')
    return _svg(LABEL + CELL * steps + 4, CELL * len(joints) + 24, drawn)


def _cell(left: int, top: int, token: int, bins: int, *, ring: bool) -> str:
    share = token / (bins - 1)
    stops = np.linspace(0, 1, len(COLOURS))
    red, green, blue = (round(float(np.interp(share, stops, channel))) for channel in zip(*COLOURS, strict=True))
    ink = "#000" if share > 0.55 else "#fff"
    outline = ' class="ring"' if ring else ""
    return (
        f'<rect x="{left + 1}" y="{top + 1}" width="{CELL - 2}" height="{CELL - 2}" rx="4" '
        f'fill="rgb({red},{green},{blue})"{outline}/>'
        f'<text x="{left + CELL / 2:.0f}" y="{top + 18}" text-anchor="middle" style="fill:{ink}">{token}</text>'
    )


def _svg(width: int, height: int, drawn: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">{"".join(drawn)}</svg>'

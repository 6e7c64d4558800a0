"""The pieces that the report's sections are built of: bars, meters and tables. Whatever text they get, they escape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

FULL = 1000.0
METER_ENDS_AT = 1.25
"""A meter shows up to this many times what is allowed."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a figure.

    Attributes:
        label, text: before and behind it.
        value: its length; None has no bar.
        look: a class of the style.
        name: what it is to those who cannot see the figure, where `label` does not suffice.
    """

    label: str
    value: float | None
    text: str
    look: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table whose content is HTML already."""

    html: str


def bars(what: str, rows: Sequence[Bar]) -> str:
    """Horizontal bars one below the other; `what` names the figure to those who cannot see it."""
    longest = max((row.value for row in rows if row.value is not None), default=0.0) or 1.0
    return f"<div class=bars>{''.join(_bar_row(what, row, longest) for row in rows)}</div>"


def meter(what: str, used: float, look: str) -> str:
    """A thin bar up to a dashed mark: `used` is the share of what is allowed, and beyond the mark too much."""
    drawn = _rect(0, min(max(used, 0.0), METER_ENDS_AT) / METER_ENDS_AT, look if used <= 1 else "over")
    position = f"{FULL / METER_ENDS_AT:.0f}"
    mark = f'<line x1="{position}" x2="{position}" y1="0" y2="10" class="mark"/>'
    return _stretched(f"{what}: {used:.0%} of what is allowed", f"{drawn}{mark}", "bar thin")


def stacked(what: str, parts: Iterable[tuple[float, str]]) -> str:
    """One bar of parts side by side, each a share of the whole and a look."""
    left, drawn = 0.0, []
    for share, look in parts:
        drawn.append(_rect(left, share, look))
        left += share
    return _stretched(what, "".join(drawn), "bar")


def thin_bar(what: str, share: float) -> str:
    """A thin bar of a part of a table's cell."""
    return _stretched(what, _rect(0, max(share, 0.0), "fp32"), "bar thin")


def swatch(look: str) -> str:
    """A small square of a colour, for a legend."""
    square = f'<rect width="12" height="12" rx="3" class="{look}"/>'
    return f'<svg class="swatch" width="12" height="12" aria-hidden="true">{square}</svg>'


def table(head: Sequence[str], rows: Iterable[Sequence[str | Cell]]) -> str:
    """A row's first cell is its heading. On narrow screens each cell stands alone, led by its column's name."""
    columns = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
    return f"<table><thead><tr>{columns}</tr></thead><tbody>{''.join(_row(head, row) for row in rows)}</tbody></table>"


def chip(verdict: str, look: str) -> str:
    """A verdict, told by a sign, a word and a colour."""
    sign = {"passed": "✓ ", "failed": "✕ ", "not-run": "— "}.get(look, "")
    return f'<span class="chip {look}">{sign}{escape(verdict)}</span>'


def svg(label: str, width: float, height: float, drawn: Iterable[str]) -> str:
    """A drawing that scales with the page; `label` tells what it shows."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(drawn)}</svg>'
    )


def percent(share: float) -> str:
    """A share with three digits, however small."""
    return f"{100 * share:.3g}%"


def plural(count: int, noun: str) -> str:
    """The count and its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _bar_row(what: str, row: Bar, longest: float) -> str:
    label, text = escape(row.label), escape(row.text)
    drawn = "" if row.value is None else _rect(0, max(row.value, 0.0) / longest, row.look)
    bar = _stretched(f"{what}, {row.name or row.label}: {row.text}", drawn, "bar")
    return f"<div class=row><span>{label}</span>{bar}<span>{text}</span></div>"


def _rect(left: float, share: float, look: str) -> str:
    return f'<rect x="{FULL * left:.1f}" y="0" width="{FULL * share:.1f}" height="10" class="{look}"/>'


def _stretched(label: str, drawn: str, look: str) -> str:
    return (
        f'<svg class="{look}" viewBox="0 0 {FULL:.0f} 10" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{drawn}</svg>'
    )


def _row(head: Sequence[str], row: Sequence[str | Cell]) -> str:
    cells = [cell.html if isinstance(cell, Cell) else escape(cell) for cell in row]
    rest = (f'<td data-head="{escape(name)}">{cell}</td>' for name, cell in zip(head[1:], cells[1:], strict=True))
    return f"<tr><th scope=row>{cells[0]}</th>{''.join(rest)}</tr>"

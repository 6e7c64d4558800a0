"""The few forms that the page is made of. All words are escaped here and nowhere else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

BAR_WIDTH = 1000.0


def section(title: str, explanation: str, body: str) -> str:
    """A card with a heading and one line that says how to read it."""
    return f"<section><h2>{escape(title)}</h2><p>{escape(explanation)}</p>{body}</section>"


def table(heads: Sequence[str], rows: Iterable[str], words: Collection[str] = ()) -> str:
    """A head of "" stands over a column of pictures, one of `words` over words, as in a `cell` that looks so."""
    looks = ["word" if head in words else "" for head in heads]
    cells = "".join(f'<th class="{look}">{escape(head)}</th>' for head, look in zip(heads, looks, strict=True))
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def row(cells: Iterable[str], look: str = "") -> str:
    """Of cells made by `cell` and `picture`."""
    return f'<tr class="{look}">{"".join(cells)}</tr>'


def cell(text: str, look: str = "") -> str:
    """A cell with text."""
    return f'<td class="{look}">{escape(text)}</td>'


def picture(svg: str) -> str:
    """A cell with a drawing."""
    return f'<td class="wide">{svg}</td>'


def svg_bar(drawing: str, label: str) -> str:
    """A drawing BAR_WIDTH wide and 18 high, which takes the width of its cell."""
    size = f'viewBox="0 0 {BAR_WIDTH:.0f} 18" preserveAspectRatio="none"'
    return f'<svg class="bar" {size} role="img" aria-label="{escape(label, quote=True)}">{drawing}</svg>'


def key(entries: Iterable[tuple[str, str]]) -> str:
    """What a colour stands for: SVG class and words."""
    marks = "".join(
        f'<li><svg viewBox="0 0 20 10" aria-hidden="true"><rect class="{look}" width="20" height="10"/></svg>'
        f"{escape(words)}</li>"
        for look, words in entries
    )
    return f'<ul class="key">{marks}</ul>'


def ms(time: float | None) -> str:
    """Milliseconds with three digits that mean something."""
    return "-" if time is None else f"{time:.3f}" if time < 1 else f"{time:.2f}" if time < 100 else f"{time:.0f}"

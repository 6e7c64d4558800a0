"""Latency, chunk rate and plan age against contention, one column a control rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.pictures.figure import new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS = (
    ("latency_ms", "latency of a chunk, ms"),
    ("chunks_a_second", "chunks a second"),
    ("plan_age_ms", "plan age, ms"),
)
CURVES = {
    "plan_without_pause": ("at once, planning without pause", "#e07a3f"),
    "plan_a_chunk": ("at once, a plan a chunk", "#2f6fb2"),
}
INK, QUIET = "#1d2330", "#8a93a6"
Table = Mapping[str, Sequence[Mapping[str, float]]]


def draw_contention(contentions: Sequence[float], tables: Mapping[str, Table], out: Path) -> None:
    """Draw `tables` (by control rate in Hz) into the PNG file `out`. Raises MissingDependencyError."""
    figure = new_figure(5.2 * len(tables), 9.0)
    grid = figure.subplots(len(ROWS), len(tables), squeeze=False, sharex=True)
    for column, (rate, table) in enumerate(tables.items()):
        for row, (key, label) in enumerate(ROWS):
            _draw_panel(grid[row, column], contentions, table, key)
            grid[row, column].set_ylabel(label)
        grid[0, column].set_title(f"control rate {rate} Hz", color=INK)
        grid[-1, column].set_xlabel("contention: 0 free, 1 one GPU's work is conserved")
    grid[0, 0].legend(frameon=False, fontsize=8)
    save(figure, out)


def _draw_panel(axes: Axes, contentions: Sequence[float], table: Table, key: str) -> None:
    for name, (label, colour) in CURVES.items():
        axes.plot(contentions, [row[key] for row in table[name]], color=colour, label=label, marker="o", markersize=3)
    axes.axhline(table["serial"][0][key], color=INK, linestyle="--", label="serial, M = 2")
    if key == "latency_ms":
        new_plan_ms = table["serial"][0]["latency_max_ms"]
        axes.axhline(new_plan_ms, color=QUIET, linestyle=":", label="serial, a chunk that needs a new plan")
    axes.set_ylim(bottom=0.0)
    axes.spines[["top", "right"]].set_visible(False)

"""Three modes side by side: latencies and the share of the time without a chunk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.pictures.figure import new_figure, save

PANELS = (
    ("refine_ms", "observation to chunk, ms"),
    ("capture_to_command_ms", "picture to command, ms"),
    ("plan_age_steps", "plan age, control steps"),
)


def draw_modes(modes: Mapping[str, Mapping[str, Any]], out: Path) -> None:
    """Draw p50 as bars and p99 as marks into the PNG file `out`. Raises MissingDependencyError."""
    figure = new_figure(12.0, 3.6)
    grid = figure.subplots(1, len(PANELS) + 1)
    names = list(modes)
    for axes, (key, label) in zip(grid, PANELS, strict=False):
        axes.bar(names, [modes[name][key]["p50"] for name in names], color="#2f6fb2", label="p50")
        axes.plot(names, [modes[name][key]["p99"] for name in names], "_", color="#1d2330", markersize=24, label="p99")
        axes.set_title(label, fontsize=10)
    grid[-1].bar(names, [100 * modes[name]["held_share"] for name in names], color="#e07a3f")
    grid[-1].set_title("time without a chunk, %", fontsize=10)
    grid[0].legend(frameon=False, fontsize=8)
    for axes in grid:
        axes.spines[["top", "right"]].set_visible(False)
    save(figure, out)

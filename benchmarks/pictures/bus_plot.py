"""Cycle times of the servo bus: wire, ours and the SDK's at each speed, and what missing servos cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pictures.figure import new_figure, save

COLOURS = {"wire": "#9aa0a6", "ours": "#1a73e8", "sdk": "#e8710a"}
LABELS = {"wire": "the bytes alone", "ours": "ours, p50", "sdk": "SDK, p50"}
BAR = 0.27


def draw_bus(figures: dict[str, Any], out: Path) -> None:
    """Draw into the PNG file `out`. Raises MissingDependencyError."""
    figure = new_figure(9.5, 4.0)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    rates = figures["rates"]
    for index, name in enumerate(("wire", "ours", "sdk")):
        cycles = [rates[baud]["fast_sync_read"] for baud in rates]
        values = [cycle["wire_us"] if name == "wire" else cycle[name]["p50"] for cycle in cycles]
        bars = left.bar(np.arange(len(rates)) + (index - 1) * BAR, values, BAR, color=COLOURS[name], label=LABELS[name])
        left.bar_label(bars, fmt="%.0f", fontsize=7, padding=2)
    left.set_xticks(range(len(rates)), [f"{int(baud) // 1_000_000} Mbit/s" for baud in rates])
    left.set(ylabel="one cycle of six servos, us", title="fast sync read + sync write")
    missing = figures["missing"]
    for index, name in enumerate(("ours", "sdk")):
        values = [missing[case][name]["p50"] / 1e3 for case in missing]
        bars = right.barh(np.arange(len(missing)) + (index - 0.5) * BAR, values, BAR, color=COLOURS[name])
        right.bar_label(bars, fmt="%.1f", fontsize=7, padding=2)
    right.set_yticks(range(len(missing)), list(missing))
    right.invert_yaxis()
    right.margins(x=0.15)
    right.set(xlabel="one cycle, ms", title="servos missing, 1 Mbit/s")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False)
    figure.text(0.01, 0.005, "pseudo-terminal paced like a wire, without a USB adapter", fontsize=7, color="#5f6368")
    save(figure, out)

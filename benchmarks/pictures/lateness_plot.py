"""How many ticks were later than so and so much: one curve a loop, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.pictures.figure import new_figure, save
from libra_edge.runtime.servo_durations import BUCKETS, BUCKETS_AN_OCTAVE, Durations


def draw_lateness(late: Mapping[str, Durations], out: Path) -> None:
    """Draw into the PNG file `out`. Raises MissingDependencyError."""
    figure = new_figure(7.0, 4.2)
    axes = figure.subplots()
    edges_us = 2.0 ** ((np.arange(BUCKETS) + 1) / BUCKETS_AN_OCTAVE)
    for name, durations in late.items():
        share_later = 1.0 - np.cumsum(durations.counts) / max(1, durations.counts.sum())
        shown = share_later > 0
        axes.step(edges_us[shown], share_later[shown], where="post", label=name)
    axes.set(xscale="log", yscale="log", xlabel="late by more than, us", ylabel="share of ticks")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    save(figure, out)

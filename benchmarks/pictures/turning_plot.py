"""How soon the arm turned, as one curve a mode: the share of trials that had turned by a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt


def draw_turning(times_ms: Mapping[str, Sequence[float | None]], path: Path) -> None:
    """Trials that never turned keep their curve below 1."""
    figure, axis = plt.subplots(figsize=(8, 4))
    for mode, times in times_ms.items():
        ordered = sorted(time for time in times if time is not None)
        shares = np.arange(len(ordered) + 1) / max(1, len(times))
        axis.step([0.0, *ordered], shares, where="post", label=f"{mode}, {len(ordered)} of {len(times)} turned")
    axis.set(xlabel="ms after the cube was moved", ylabel="share of trials", ylim=(0, 1.02))
    axis.legend(loc="lower right")
    axis.grid(alpha=0.3)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)

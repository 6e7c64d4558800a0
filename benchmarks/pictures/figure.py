"""A blank picture for a benchmark's plot, and the way to its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from libra_edge.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width_in: float, height_in: float) -> Figure:
    """White, and drawn without a screen. Raises MissingDependencyError."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - an extra, and slow to import
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError("matplotlib", "install it with: pip install 'libra-edge[report]'") from error
    figure = Figure(figsize=(width_in, height_in), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, out: Path) -> None:
    """Into the PNG file `out`, its folder made if need be."""
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=100)

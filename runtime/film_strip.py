"""One picture of a run: a film strip of what the cameras saw, and under it what each joint was told and what it did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from libra_edge.errors import MissingDependencyError
from libra_edge.messages import UInt8
from libra_edge.runtime.episode_traces import EpisodeTraces, pictures_at, read_traces

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

PICTURES = 7
COLUMNS = 3
BEFORE_S, AFTER_S = 0.3, 0.3
WIDTH_IN, LEFT, RIGHT = 14.0, 0.045, 0.972
HEAD_IN, STRIP_EDGES_IN, CURVES_IN = 0.75, (0.26, 0.12), 4.3
INK, QUIET, GOAL, MEASURED, DONE, AGED = "#1d2330", "#8a93a6", "#e07a3f", "#2f6fb2", "#2e8b57", "#3f6fa8"
SHADE_A_STEP, DARKEST = 0.035, 0.4
"""Opacity that each control step of a plan's age adds to the background, and where that ends."""


def draw_film_strip(recording: Path, out: Path) -> None:
    """Draw `recording` into the PNG file `out`. Raises RecordingError, MissingDependencyError."""
    traces = read_traces(recording)
    times = _picture_times(traces)
    rows = [
        (camera, pictures_at(recording, camera, [int(np.argmin(np.abs(taken_s - time))) for time in times]))
        for camera, taken_s in traces.frame_times_s.items()
    ]
    row_in = [(RIGHT - LEFT) * WIDTH_IN / PICTURES / _aspect(pictures[0]) for _, pictures in rows]
    heights = [HEAD_IN, sum(row_in) + sum(STRIP_EDGES_IN), CURVES_IN]
    figure = _new_figure(sum(heights))
    head, strip, curves = figure.subfigures(3, 1, squeeze=False, height_ratios=heights)[:, 0]
    _draw_head(head, traces)
    if rows:
        _draw_strip(strip, rows, times, row_in)
    _draw_curves(curves, traces)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)


def _new_figure(height_in: float) -> Figure:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - an extra, and slow to import
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError("matplotlib", "install it with: pip install 'libra-edge[report]'") from error
    figure = Figure(figsize=(WIDTH_IN, height_in), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _aspect(picture: UInt8) -> float:
    height, width, _ = picture.shape
    return float(width / height)


def _draw_head(head: SubFigure, traces: EpisodeTraces) -> None:
    outcome, colour = _outcome(traces)
    facts = traces.facts
    head.text(LEFT, 0.42, f"“{facts.get('task', 'a run')}”", size=17, weight="bold", color=INK)
    head.text(RIGHT, 0.42, outcome, size=15, weight="bold", color=colour, ha="right")
    details = [facts.get(key, "") for key in ("robot", "model", "mode")]
    details += [f"seed {facts['seed']}"] if "seed" in facts else []
    details += [f"bundle {facts['bundle_sha256'][:8]}"] if "bundle_sha256" in facts else []
    head.text(LEFT, 0.02, "  ·  ".join(filter(None, [*details, facts.get("date", "")])), size=10, color=QUIET)


def _outcome(traces: EpisodeTraces) -> tuple[str, str]:
    if traces.success_s is not None:
        return f"done after {traces.success_s:.1f} s", DONE
    known = {"false": ("not done", GOAL), "": ("", QUIET)}
    return known.get(traces.facts.get("success", ""), ("outcome unknown", QUIET))


def _draw_strip(strip: SubFigure, rows: list[tuple[str, list[UInt8]]], times: list[float], row_in: list[float]) -> None:
    above, below = (edge / (sum(row_in) + sum(STRIP_EDGES_IN)) for edge in STRIP_EDGES_IN)
    spacing = {"wspace": 0.025, "hspace": 0.04, "height_ratios": row_in, **_margins(below, 1.0 - above)}
    grid = strip.subplots(len(rows), len(times), squeeze=False, gridspec_kw=spacing)
    for row, (camera, pictures) in enumerate(rows):
        grid[row][0].set_ylabel(camera, size=10, color=INK)
        for axes, picture in zip(grid[row], pictures, strict=True):
            axes.imshow(picture, interpolation="lanczos", aspect="auto")
    for axes, time in zip(grid[0], times, strict=True):
        axes.set_title(f"{time:.1f} s", size=9, color=QUIET, pad=3)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)


def _picture_times(traces: EpisodeTraces) -> list[float]:
    """Evenly spread from control step 0 to the end, or to shortly after success."""
    end = max(_window(traces)[1] - AFTER_S, 0.1)
    return [float(time) for time in np.linspace(0.0, end, PICTURES)]


def _window(traces: EpisodeTraces) -> tuple[float, float]:
    """The seconds that are drawn."""
    return -BEFORE_S, max(float(traces.time_s[-1]), 0.1)


def _draw_curves(curves: SubFigure, traces: EpisodeTraces) -> None:
    rows = -(-len(traces.joint_names) // COLUMNS)
    grid = curves.subplots(
        rows, COLUMNS, squeeze=False, gridspec_kw={"wspace": 0.16, "hspace": 0.36, **_margins(0.12, 0.94)}
    )
    panels = list(grid.flat)
    for joint, axes in enumerate(panels):
        if joint < len(traces.joint_names):
            _draw_joint(axes, traces, joint)
            axes.tick_params(labelbottom=joint + COLUMNS >= len(traces.joint_names))
        else:
            axes.set_visible(False)
    handles: list[Any] = [*panels[0].get_lines()[:2]]
    curves.legend(
        handles,
        ["goal", "measured"],
        loc="lower right",
        ncols=2,
        frameon=False,
        bbox_to_anchor=(RIGHT, -0.01),
        fontsize=9,
    )
    note = "degrees over seconds; the darker the background, the older the plan in use"
    curves.text(LEFT, 0.012, note, size=9, color=QUIET)


def _draw_joint(axes: Axes, traces: EpisodeTraces, joint: int) -> None:
    _shade_plan_ages(axes, traces)
    axes.plot(traces.time_s, traces.goal_deg[:, joint], color=GOAL, linewidth=1.3)
    axes.plot(traces.time_s, traces.measured_deg[:, joint], color=MEASURED, linewidth=1.3)
    if traces.success_s is not None:
        axes.axvline(traces.success_s, color=DONE, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.set_xlim(*_window(traces))
    axes.set_title(traces.joint_names[joint].replace("_", " "), size=10, color=INK, loc="left", pad=3)
    axes.tick_params(labelsize=8, color=QUIET, labelcolor=QUIET, length=2)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(QUIET)


def _shade_plan_ages(axes: Axes, traces: EpisodeTraces) -> None:
    ages = np.nan_to_num(traces.plan_age, nan=-1.0)
    starts = [0, *(np.flatnonzero(np.diff(ages)) + 1).tolist()]
    for start, end in zip(starts, [*starts[1:], len(ages) - 1], strict=True):
        if ages[start] > 0:
            shade = min(SHADE_A_STEP * float(ages[start]), DARKEST)
            axes.axvspan(traces.time_s[start], traces.time_s[end], color=AGED, alpha=shade, linewidth=0)


def _margins(bottom: float, top: float) -> dict[str, float]:
    return {"left": LEFT, "right": RIGHT, "bottom": bottom, "top": top}

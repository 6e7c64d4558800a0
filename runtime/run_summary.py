"""What a run comes down to: the figures of docs/cli.md, for machines as a dictionary and for people as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.markup import escape
from rich.table import Column, Table

from libra_edge.runtime.picture_watch import PictureWatch
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.servo_telemetry import ticks_per_second

Figures = Mapping[str, Any]
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def run_figures(run: Run) -> dict[str, Any]:
    """Everything that was counted; times in milliseconds unless the key says otherwise, null where nothing was."""
    log, servo = run.log, run.telemetry
    return {
        "seconds": round(log.seconds, 3),
        "chunks": log.chunks,
        "plans": log.plans,
        "late_chunks": log.late_chunks,
        "planner_ms": log.planner_ms.summary(),
        "refiner_ms": log.refiner_ms.summary(),
        "refine_ms": log.refine_ms.summary(),
        "capture_to_command_ms": log.capture_to_command_ms.summary(),
        "plan_age_steps": _exact_summary(log.plan_ages),
        "cameras": {name: _camera_figures(watch) for name, watch in run.pictures.items()},
        "servo_hz": ticks_per_second(run.first_telemetry, servo),
        "servo_lateness_us": None if servo is None else _rounded(servo.lateness.summary_us()),
        "deadline_misses": None if servo is None else servo.deadline_misses,
        "governed": None if servo is None else servo.governed,
        "overhead_ms": None if servo is None else _rounded(servo.busy.summary_us(), 1e-3),
        "limits_violated": log.limits.violated,
        "faults": [asdict(fault) for fault in log.faults],
    }


def summary_table(figures: Figures) -> Table:
    """The figures for people."""
    last = Column(overflow="fold")
    table = Table("", "p50", "p99", last, title=escape(f"{figures['robot']}: {figures['task']}"), title_justify="left")
    success = {True: "[bold green]yes", False: "[bold red]no", None: "[dim]nobody to tell"}[figures["success"]]
    table.add_row("success", "", "", f"{success}[/], {figures['ended']} after {figures['seconds']:.1f} s")
    table.add_row("planner, ms", *_quantiles(figures["planner_ms"]), f"{figures['plans']} plans")
    chunks = f"{figures['chunks']} chunks, {figures['late_chunks']} late"
    table.add_row("refiner, ms", *_quantiles(figures["refiner_ms"]), chunks)
    table.add_row("observation to chunk, ms", *_quantiles(figures["refine_ms"]), "")
    table.add_row("picture to command, ms", *_quantiles(figures["capture_to_command_ms"]), "")
    table.add_row("plan age, steps", *_quantiles(figures["plan_age_steps"], 0), "")
    rate = f"{figures['servo_hz'] or 0.0:.1f} Hz, {figures['deadline_misses']} deadlines missed"
    table.add_row("servo loop late by, us", *_quantiles(figures["servo_lateness_us"], 0), rate)
    table.add_row("servo loop's own work, ms", *_quantiles(figures["overhead_ms"], 2), "")
    table.add_row("limits violated", "", "", str(figures["limits_violated"]))
    table.add_row("faults", "", "", escape(_fault_lines(figures["faults"])))
    table.add_row("recording", "", "", escape(figures["recording"] or "stopped early"))
    table.add_row("picture", "", "", escape(figures.get("picture") or "none"))
    table.add_row("report", "", "", escape(figures["report"] or "none"))
    return table


def _exact_summary(values: Sequence[int]) -> dict[str, float | int | None]:
    quantiles: dict[str, float | int | None] = {
        name: int(np.quantile(values, q, method="inverted_cdf")) if values else None for name, q in QUANTILES.items()
    }
    return {**quantiles, "n": len(values)}


def _camera_figures(watch: PictureWatch) -> dict[str, float | int | None]:
    rate_hz = None if watch.rate_hz is None else round(watch.rate_hz, 2)
    return {"pictures": watch.frames, "skipped": watch.skipped, "refused": watch.refused, "hz": rate_hz}


def _rounded(summary: Figures, scale: float = 1.0) -> dict[str, float | int | None]:
    """Every figure but the count, scaled."""
    scaled = {key: None if value is None else round(value * scale, 3) for key, value in summary.items()}
    return {**scaled, "n": summary["n"]}


def _quantiles(summary: Figures | None, digits: int = 1) -> tuple[str, str]:
    if summary is None or summary["p50"] is None:
        return "-", "-"
    return f"{summary['p50']:.{digits}f}", f"{summary['p99']:.{digits}f}"


def _fault_lines(faults: Sequence[Figures]) -> str:
    return "\n".join(f"{fault['time_s']:.1f} s: {fault['kind']}: {fault['reaction']}" for fault in faults) or "none"

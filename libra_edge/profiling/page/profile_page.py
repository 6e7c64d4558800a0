"""Puts the page together. It has no script, fetches nothing, and its policy forbids both."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from libra_edge.profiling.document import FiguresEntry, ProfileDocument
from libra_edge.profiling.page.layer_section import layer_section
from libra_edge.profiling.page.machine_section import machine_section
from libra_edge.profiling.page.prediction_section import prediction_section
from libra_edge.profiling.page.roofline_section import roofline_section
from libra_edge.profiling.page.stage_section import systems_section, way_section
from libra_edge.profiling.page.timeline_section import timeline_section
from libra_edge.profiling.stages import END_TO_END

HERE = files("libra_edge.profiling.page")
REPORT_STYLE = files("libra_edge.runtime.report_page").joinpath("page.css")
SIGNS = {"good": "✓", "bad": "✕", "warn": "!", "open": "—"}


def profile_html(document: ProfileDocument, trace: Mapping[str, Any]) -> str:
    """The whole page."""
    sections = [
        way_section(document),
        timeline_section(trace),
        systems_section(document),
        layer_section(document.layers, document.layer_sums),
        roofline_section(document),
        prediction_section(document),
        machine_section(document),
    ]
    return Template(HERE.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        title=escape(f"Profile: {document.model} on {document.runs_on}"),
        style=REPORT_STYLE.read_text(encoding="utf-8") + HERE.joinpath("page.css").read_text(encoding="utf-8"),
        tiles=_tiles(document),
        facts=_facts(document),
        heading=escape(f"Where the milliseconds go: {document.model} on {document.runs_on}"),
        headline="".join(
            f'<li class="chip {line.look}"><span aria-hidden="true">{SIGNS[line.look]}</span> {escape(line.text)}</li>'
            for line in document.headline
        ),
        sections="\n".join(sections),
        notes=f"<p>Measured by libra-edge {escape(document.libra_edge)}. Times are milliseconds.</p>",
    )


def _facts(document: ProfileDocument) -> str:
    robot = "no robot" if document.robot is None else f"{document.robot}: {document.task}"
    shown = (document.machine, robot, f"bundle {document.bundle_sha256[:8]}", f"{document.seconds:g} s", document.date)
    return " · ".join(escape(fact) for fact in shown)


def _tiles(document: ProfileDocument) -> str:
    stages = document.stages
    refiner = stages.get("refiner")
    shown = [
        ("picture to command, p50", _p50(stages.get(END_TO_END))),
        ("planner, p50", _p50(stages.get("planner"))),
        ("refiner, p50", _p50(refiner)),
        ("refiner's p99 beside the planner", None if refiner is None else _p99(refiner.beside)),
        ("a chunk", None if document.energy_per_chunk_j is None else f"{document.energy_per_chunk_j:.2f} J"),
    ]
    drawn = (f"<div><b>{escape(value)}</b>{escape(name)}</div>" for name, value in shown if value is not None)
    return "".join(drawn)


def _p50(figures: FiguresEntry | None) -> str | None:
    return None if figures is None else f"{figures.p50:.1f} ms"


def _p99(figures: FiguresEntry | None) -> str | None:
    return None if figures is None else f"{figures.p99:.1f} ms"

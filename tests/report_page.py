"""A report as a browser would find it, and the arguments that an export hands to it."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from libra_edge.bundle import ClosedLoopEntry, Manifest
from libra_edge.export import exporter
from libra_edge.export.exporter import ExportOptions, export_model
from libra_edge.export.precision import MethodTried, Precision, Sensitivity
from libra_edge.export.progress import SilentProgress
from libra_edge.export.report import report_html
from libra_edge.model_directory import open_model_directory

VOID = {"meta", "img", "input", "rect", "line", "path", "circle"}
Arguments = dict[str, Any]
NAMES = ("manifest", "exports", "activations", "model")


class Page(HTMLParser):
    """What a browser would find: tags that do not match, elements by tag, the text, and the cells of each table row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.text += data + " "
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def row(self, beginning: str) -> list[str]:
        (row,) = (row for row in self.rows if row and row[0].startswith(beginning))
        return row

    def bar(self, label: str) -> float:
        """Share of its track that a bar fills."""
        (index,) = (place for place, (_, attrs) in enumerate(self.elements) if attrs.get("aria-label") == label)
        return float(self.elements[index + 1][1]["width"]) / 1000

    def classed(self, *names: str) -> list[dict[str, str]]:
        return [attrs for _, attrs in self.elements if set(names) <= set(attrs.get("class", "").split())]


def export_arguments(model: Path, out: Path, **choices: Any) -> Arguments:
    """What an export hands to the report."""
    held: list[Any] = []

    def keep(*arguments: object) -> str:
        held.extend(arguments)
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "report_html", keep)
        export_model(open_model_directory(model), ExportOptions(out, **choices), SilentProgress())
    return dict(zip(NAMES, held, strict=True))


def changed(given: Arguments, target: str = "cpu", **fields: Any) -> Page:
    """The page, with other fields in one target's export."""
    given["exports"][target] = replace(given["exports"][target], **fields)
    return Page(report_html(**given))


def with_gates(manifest: Manifest, **entries: dict[str, Any]) -> Manifest:
    """Fields of the cpu's gates by name."""
    gates = [
        gate.model_copy(update=entries[gate.name]) if gate.name in entries and gate.target == "cpu" else gate
        for gate in manifest.gates
    ]
    return manifest.model_copy(update={"gates": tuple(gates)})


def with_closed_loop(manifest: Manifest, loop: ClosedLoopEntry) -> Manifest:
    entry = manifest.targets["cpu"].model_copy(update={"closed_loop": loop})
    return manifest.model_copy(update={"targets": {**manifest.targets, "cpu": entry}})


LOOP = ClosedLoopEntry(
    robot="koch-sim", episodes=200, first_seed=7, last_seed=206, successes_fp32=164, successes_exported=161,
    only_fp32=9, only_exported=6, drop_points=1.5, low_points=-2.25, high_points=5.5,
)  # fmt: skip


def tuned(**fields: Any) -> Precision:
    common: dict[str, Any] = {"stage": "planner", "precision": "int8", "nodes": 3, "exact": 0.99}
    rows = (
        Sensitivity(**common, group="head", share=0.25, error=0.02, saved_ms=-0.5, kept=False),
        Sensitivity(**common, group="FFN", share=0.75, error=0.01, saved_ms=1.5, kept=True),
    )
    methods = (
        MethodTried(method="entropy", error=0.031, exact=0.97, within_one=1, chosen=False),
        MethodTried(method="min-max", smoothing=0.5, error=0.0123, exact=0.98, within_one=1, chosen=True),
    )
    return Precision(sensitivity=rows, methods=methods, **fields)

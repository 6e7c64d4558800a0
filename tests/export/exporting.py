"""Exports a model directory in one call, with nothing shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from libra_edge.export.exporter import ExportOptions, ExportResult, export_model
from libra_edge.export.progress import SilentProgress
from libra_edge.model_directory import open_model_directory


def export(model: Path, out: Path, **choices: Any) -> ExportResult:
    return export_model(open_model_directory(model), ExportOptions(out, **choices), SilentProgress())


def failed(model: Path, out: Path, **choices: Any) -> list[tuple[str, str]]:
    """Target and name of the gates that failed."""
    return [(gate.target, gate.name) for gate in export(model, out, **choices).failed]

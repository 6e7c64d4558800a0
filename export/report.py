"""`report.html`: one self-contained page on what an export did to sizes, times, tokens and actions.

Names and words in it come from model directories that anybody may have made: all are escaped, and the page forbids
scripts and anything from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from libra_edge.bundle import Manifest, Target
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.ranges import Activation
from libra_edge.export.report_actions import joints_section, yardstick_section
from libra_edge.export.report_before_after import before_after_section
from libra_edge.export.report_closed_loop import closed_loop_section
from libra_edge.export.report_examples import examples_section
from libra_edge.export.report_gates import gates_section, verdict_line
from libra_edge.export.report_histograms import histograms_section
from libra_edge.export.report_int8_share import int8_share_section
from libra_edge.export.report_layers import layers_section
from libra_edge.export.report_sensitivity import sensitivity_section
from libra_edge.export.report_style import STYLE
from libra_edge.export.report_targets import target_cards
from libra_edge.export.target_export import TargetExport

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
WHAT = (
    "A policy of two systems, made small: the planner looks at the pictures and says coarse tokens, the refiner turns "
    "them into smooth actions. Every figure compares the exported graphs with the FP32 ones they were made from."
)


def report_html(
    manifest: Manifest,
    exports: Mapping[Target, TargetExport],
    activations: Mapping[str, Activation],
    model: CheckedModel,
) -> str:
    """The page. `activations` are those of the planner; without INT8 there are none."""
    sections = {
        "Gates": gates_section(manifest),
        "Before and after": before_after_section(manifest, exports),
        "What export moves, beside what noise moves": yardstick_section(manifest, exports),
        "What the planner says": examples_section(exports, model),
        "Where the actions go": joints_section(model.directory.spec.action.joints, exports),
        "Closed loop": closed_loop_section(manifest),
        "What really ran in INT8": int8_share_section(manifest, exports, model),
        "Sensitivity": sensitivity_section(manifest, exports),
        "The activations that lose most": histograms_section(exports, activations, model.planner),
        "What computes in what": layers_section(manifest),
    }
    body = "".join(f"<h2>{title}</h2>{content}" for title, content in sections.items())
    name = escape(manifest.name)
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>{name}: export</title>'
        f"<style>{STYLE}</style>"
    )
    top = f"<h1>{name}, exported</h1><p>{WHAT}</p>{verdict_line(manifest.gates)}{target_cards(manifest, exports)}"
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>'
        f"<body><main>{top}{body}{_origin(manifest)}</main></body></html>\n"
    )


def _origin(manifest: Manifest) -> str:
    tools = ", ".join(f"{tool} {version}" for tool, version in manifest.tools.items())
    files = ", ".join(f"{file} {digest[:12]}" for file, digest in manifest.sources.items())
    return (
        f"<h2>Where it comes from</h2><p class=small>Made by {escape(tools)}, seed {manifest.seed}, from "
        f"{escape(files)} (SHA-256, the first 12 digits).</p>"
    )

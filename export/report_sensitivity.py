"""The report's sensitivity: ways to set INT8 ranges that were tried, and what each group costs in a lower precision."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from libra_edge.bundle import Manifest, Target
from libra_edge.export.precision import MethodTried, PlannerPrecision, Precision, Sensitivity
from libra_edge.export.report_figures import Bar, Cell, bars, chip, percent, table, thin_bar
from libra_edge.export.target_export import TargetExport

NOT_MEASURED = (
    "Nothing was measured for this target: the export took the safe precisions. "
    "<code>libra-edge export --tune</code> measures each group of layers."
)
HOW = (
    "One group at a time goes to a lower precision while all else stays FP32, on calibration samples that do not judge "
    "the export. What takes much of what the gates allow goes back, and so does what saves no time."
)
OUTDATED = "Measured on other graphs than these: export again with --tune."
HEAD = (
    "group",
    "tried in",
    "layers",
    "multiply-adds",
    "error, the group alone",
    "tokens equal",
    "saves, ms",
    "outcome",
)


def sensitivity_section(manifest: Manifest, exports: Mapping[Target, TargetExport]) -> str:
    """What was measured for each target."""
    drawn = (f"<h3>{target}</h3>{_target(export.precision, manifest)}" for target, export in exports.items())
    measured = any(export.precision.sensitivity for export in exports.values())
    return f"{f'<p>{HOW}</p>' if measured else ''}{''.join(drawn)}"


def _target(precision: Precision, manifest: Manifest) -> str:
    if not precision.methods and not precision.sensitivity:
        return f"<p>{NOT_MEASURED}</p>"
    other = any(manifest.sources.get(file) != digest for file, digest in precision.measured_on.items())
    warning = f"<p>{chip(OUTDATED, 'failed')}</p>" if other else ""
    return f"{warning}{_methods(precision)}{_groups(precision)}{_singles(precision)}"


def _methods(precision: Precision) -> str:
    if not precision.methods:
        return ""
    rows = [_method(one) for one in precision.methods]
    return (
        "<h4>Ways to set INT8 ranges, the whole planner in INT8: relative error of its logits</h4>"
        f"<div class=card>{bars('Relative error of logits by method', rows)}</div>"
    )


def _method(one: MethodTried) -> Bar:
    text = f"{one.error:.2%}, tokens equal {one.exact:.2%}{', chosen ✓' if one.chosen else ''}"
    return Bar(one.label, one.error, text, "kept" if one.chosen else "fp32")


def _groups(precision: Precision) -> str:
    """The worst error of each stage fills its bar: errors of planner and refiner have different units."""
    drawn = []
    for stage, unit in (("planner", "relative error of the logits"), ("refiner", "degrees, mean of the worst joint")):
        found = [row for row in precision.sensitivity if row.stage == stage]
        worst = max((row.error for row in found), default=0.0)
        if found:
            drawn.append(f"<h4>{stage.capitalize()}: what a group costs when it alone loses precision ({unit})</h4>")
            drawn.append(table(HEAD, [_group(row, worst) for row in found]))
    return "".join(drawn)


def _group(row: Sensitivity, worst: float) -> list[str | Cell]:
    error = f"{row.error:.3%}" if row.stage == "planner" else f"{row.error:.4g}°"
    bar = thin_bar(f"Error of {row.group} in {row.precision}: {error}", row.error / (worst or 1.0))
    return [
        row.group,
        row.precision.upper(),
        f"{row.nodes:,}",
        percent(row.share),
        Cell(f"{error}{bar}"),
        "—" if row.exact is None else f"{row.exact:.2%}",
        "—" if row.saved_ms is None else f"{row.saved_ms:.3g}",
        Cell(_outcome(row)),
    ]


def _outcome(row: Sensitivity) -> str:
    if row.kept:
        return chip(row.precision.upper(), "passed")
    idle = row.saved_ms is not None and row.saved_ms <= 0
    return chip(f"not {row.precision.upper()}", "not-run") + (" saves nothing" if idle else "")


def _singles(precision: Precision) -> str:
    """Layers that went back by themselves, because a gate failed with them."""
    groups = {row.group for row in precision.sensitivity} | set(PlannerPrecision().fp32)
    named = {
        "Layers of the planner kept out of INT8": precision.planner.not_int8,
        "Nodes of the planner kept in FP32": precision.planner.fp32,
        "Nodes of the refiner kept in FP32": precision.refiner.fp32,
    }
    drawn = []
    for what, names in named.items():
        single = [name for name in names if name not in groups]
        if single:
            drawn.append(f"<p>{what} one by one: {escape(', '.join(single))}.</p>")
    return "".join(drawn)

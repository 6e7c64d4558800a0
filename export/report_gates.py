"""The report's gates: every figure beside how much of what is allowed it takes, and what the verdicts come to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from html import escape

from libra_edge.bundle import GateEntry, Manifest, Target
from libra_edge.export.report_figures import Cell, chip, meter, table

WORDS = {
    "planner_tokens_exact": ("Tokens equal to FP32's", "share"),
    "planner_tokens_within_one_bin": ("Tokens at most one bin off", "share"),
    "planner_logit_cosine": ("Cosine between logits", "number"),
    "refiner_action_largest_deg": ("Refiner alone: largest change of an action", "degrees"),
    "refiner_action_mean_deg": ("Refiner alone: mean change of an action", "degrees"),
    "policy_action_mean_deg": ("Both stages: mean change of an action", "degrees"),
    "planner_scale_factor": ("Worst INT8 scale over what FP32 asks for", "number"),
    "policy_action_over_seed": ("Both stages: change over what another noise seed changes", "share"),
    "closed_loop_drop_points": ("Closed loop: loss of success, upper end of its interval", "points"),
}


def gates_section(manifest: Manifest) -> str:
    """A row a gate, a column a target."""
    found = {(gate.name, gate.target): gate for gate in manifest.gates}
    names = dict.fromkeys(gate.name for gate in manifest.gates)
    rows: list[list[str | Cell]] = []
    for name in names:
        entries = [found.get((name, target)) for target in manifest.targets]
        limit = next(entry for entry in entries if entry is not None)
        sign = "at least" if limit.better == "higher" else "at most"
        heading = Cell(f"{escape(WORDS.get(name, (name,))[0])}<code>{escape(name)}</code>")
        rows.append([heading, f"{sign} {figure(name, limit.threshold)}", *(Cell(_entry(entry)) for entry in entries)])
    return (
        "<p>Measured on samples that were held out from calibration. The bar is how much of what is allowed a figure "
        "takes; beyond the dashed mark the gate fails.</p>"
        f"{table(['gate', 'allowed', *manifest.targets], rows)}"
    )


def verdict_line(gates: Sequence[GateEntry]) -> str:
    """All verdicts in one sentence."""
    failed = [gate for gate in gates if gate.verdict == "failed"]
    not_run = [gate for gate in gates if gate.verdict == "not run"]
    ran = len(gates) - len(not_run)
    parts = [chip(f"{ran - len(failed)} of {ran} gates passed", "failed" if failed else "passed")]
    if failed:
        accepted = sum(gate.accepted for gate in failed)
        parts.append(f"{len(failed)} failed, {accepted} of them accepted by a person.")
    if not_run:
        parts.append(chip(f"not run: {_listed(not_run)}", "not-run"))
    return f'<p class="verdict">{" ".join(parts)}</p>'


def verdict_chip(gate: GateEntry) -> str:
    """One gate's verdict."""
    return chip(f"{gate.verdict}, accepted" if gate.accepted else gate.verdict, gate.verdict.replace(" ", "-"))


def figure(name: str, value: float) -> str:
    """A gate's figure in its unit."""
    unit = WORDS.get(name, ("", "number"))[1]
    if unit == "share":
        return f"{100 * value:.4g}%"
    if unit == "degrees":
        return f"{value:.3g}°"
    return f"{value:.3g} points" if unit == "points" else f"{value:.6g}"


def gate_of(manifest: Manifest, target: Target, name: str) -> GateEntry | None:
    """A target's gate by name, None if the manifest has none."""
    return next((gate for gate in manifest.gates if gate.target == target and gate.name == name), None)


def allowance_used(value: float, gate: GateEntry) -> float:
    """Share of what the gate allows: 0 is FP32 itself, 1 is where the gate closes."""
    if gate.better == "higher":
        return (1 - value) / (1 - gate.threshold) if gate.threshold < 1 else float(value < gate.threshold)
    return value / gate.threshold if gate.threshold > 0 else float(value > gate.threshold)


def _entry(gate: GateEntry | None) -> str:
    if gate is None:
        return ""
    shown = verdict_chip(gate)
    if gate.value is None:
        return shown
    used = meter(f"{gate.name}, {gate.target}", allowance_used(gate.value, gate), escape(gate.target))
    return f"{figure(gate.name, gate.value)} {shown}{used}"


def _listed(gates: Sequence[GateEntry]) -> str:
    """Each gate once, with its targets."""
    targets: dict[str, list[str]] = defaultdict(list)
    for gate in gates:
        targets[gate.name].append(gate.target)
    return ", ".join(f"{name} ({', '.join(members)})" for name, members in targets.items())

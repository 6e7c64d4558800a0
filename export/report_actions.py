"""The report's actions: what export moves them by, beside what another seed of the noise does, and joint by joint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from libra_edge.bundle import Manifest, Target
from libra_edge.export.agreement import ActionDifference
from libra_edge.export.report_figures import Bar, bars, swatch
from libra_edge.export.report_gates import gate_of
from libra_edge.export.target_export import TargetExport

SEED_GATE = "policy_action_over_seed"


def yardstick_section(manifest: Manifest, exports: Mapping[Target, TargetExport]) -> str:
    """Noise as the unit, and what every target's export is of it."""
    rows = [Bar("another noise seed", 1.0, "100%", "noise")]
    gates = [gate for gate in (gate_of(manifest, target, SEED_GATE) for target in exports) if gate is not None]
    rows += [Bar("allowed", gate.threshold, f"{gate.threshold:.0%}", "allowed") for gate in gates[:1]]
    for target, export in exports.items():
        ratio = export.agreement.seed_ratio
        rows.append(Bar(f"export, {target}", ratio, f"{ratio:.1%}", target))
    drawn = bars("Change of the actions, another noise seed being 100%", rows)
    return (
        "<p>The refiner starts from noise, so FP32 itself acts a little differently with every seed. That is the "
        "policy's own yardstick: what export moves the actions by should be small beside it. Root mean squares over "
        f"all steps and joints, both stages, same pictures.</p><div class=card>{drawn}</div>"
    )


def joints_section(joints: Sequence[str], exports: Mapping[Target, TargetExport]) -> str:
    """Two cards: the refiner alone, and both stages."""
    alone = _joints("Refiner alone", joints, {target: export.agreement.refiner for target, export in exports.items()})
    both = _joints("Both stages", joints, {target: export.agreement.policy for target, export in exports.items()})
    return (
        "<p>Degrees that an action changes by, FP32 against exported, from the same picture and noise: the bar is the "
        "mean. Alone, the refiner gets the same tokens; behind the planner, a token that differs moves an action by a "
        f"bin or more.</p><div class=cards>{alone}{both}</div>"
    )


def _joints(title: str, joints: Sequence[str], changes: Mapping[Target, ActionDifference]) -> str:
    rows = []
    for index, joint in enumerate(joints):
        for number, (target, change) in enumerate(changes.items()):
            mean, largest = float(change.mean_deg[index]), float(change.largest_deg[index])
            text = f"{mean:.4f}°, largest {largest:.3f}°"
            rows.append(Bar("" if number else joint, mean, text, target, f"{joint}, {target}"))
    key = " ".join(f"{swatch(target)} {target}" for target in changes)
    return (
        f"<section class=card><h3>{title}</h3><p class=small>{key}</p>{bars(f'{title}, mean change', rows)}</section>"
    )

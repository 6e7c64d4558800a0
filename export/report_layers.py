"""The report's table of what computes in what, a column a target."""

from __future__ import annotations

from libra_edge.bundle import Manifest
from libra_edge.export.report_figures import table

STAGES = ("planner", "refiner")


def layers_section(manifest: Manifest) -> str:
    """A row a stage's layer group."""
    entries = {
        (stage, target): (entry.planner if stage == "planner" else entry.refiner).layers
        for stage in STAGES
        for target, entry in manifest.targets.items()
    }
    rows = []
    for stage in STAGES:
        groups = dict.fromkeys(group for target in manifest.targets for group in entries[stage, target])
        rows += [
            [f"{stage}: {group}", *(entries[stage, target].get(group, "—") for target in manifest.targets)]
            for group in groups
        ]
    return table(["layers", *manifest.targets], rows)

"""Text that comes from outside stays text: models, robots and precision files may be made by anybody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from libra_edge.bundle import GateEntry, Manifest
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.layers import weighted_layers
from libra_edge.export.mac_share import ExecutedProduct, MacShare
from libra_edge.export.precision import PlannerPrecision
from libra_edge.instruction import InstructionEncoder
from tests.report_page import LOOP, changed, export_arguments, tuned, with_closed_loop

EVIL = '<script>alert("1")</script>'


class EvilWords:
    """Decodes every instruction to the same attack."""

    def decode(self, _: object) -> str:
        return EVIL


def evil_model(model: CheckedModel) -> CheckedModel:
    """Every joint, node and instruction is an attack."""
    planner = model.planner.copy()
    for index, node in enumerate(planner.nodes):
        node.name = f"{EVIL}{index}"
    action = model.directory.spec.action.model_copy(update={"joints": (EVIL,) * 6})
    spec = model.directory.spec.model_copy(update={"action": action})
    return replace(
        model,
        instruction=cast(InstructionEncoder, EvilWords()),
        directory=replace(model.directory, spec=spec),
        graphs=replace(model.graphs, graphs={**model.graphs.graphs, "planner": planner}),
    )


def evil_manifest(manifest: Manifest) -> Manifest:
    """Every name in it is an attack."""
    cpu = manifest.targets["cpu"]
    stage = cpu.planner.model_copy(update={"layers": {EVIL: EVIL}, "precision": EVIL})
    targets = {**manifest.targets, "cpu": cpu.model_copy(update={"planner": stage})}
    gate = GateEntry(target="cpu", name=EVIL, value=1, threshold=1, better="higher", verdict="passed")
    missing = gate.model_copy(update={"target": EVIL, "value": None, "verdict": "not run"})
    gates = (*manifest.gates, gate, missing)
    fields: dict[str, Any] = {"name": EVIL, "targets": targets, "gates": gates, "tools": {EVIL: EVIL}}
    return with_closed_loop(manifest.model_copy(update=fields), LOOP.model_copy(update={"robot": EVIL}))


def test_text_from_outside_stays_text(tiny: Path, tmp_path: Path) -> None:
    given = export_arguments(tiny, tmp_path / "out")
    given["model"], given["manifest"] = evil_model(given["model"]), evil_manifest(given["manifest"])
    layer = weighted_layers(given["model"].planner)[0].name
    macs = MacShare((ExecutedProduct(layer, EVIL, 5), ExecutedProduct(f"no layer {EVIL}", EVIL, 5)))
    group = tuned().sensitivity[0].model_copy(update={"group": EVIL, "precision": EVIL})
    precision = tuned(planner=PlannerPrecision(not_int8=(layer,))).model_copy(update={"sensitivity": (group,)})
    page = changed(given, macs=macs, precision=precision)
    assert "script" not in {tag for tag, _ in page.elements}
    assert not page.wrong
    assert page.text.count(EVIL) > 20
    assert len([attrs for _, attrs in page.elements if EVIL in attrs.get("aria-label", "")]) > 10

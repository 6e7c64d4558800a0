"""What the documents say of the contracts is what the code holds to."""

from __future__ import annotations

import re
from pathlib import Path

from libra_edge.export.gates import GATES
from libra_edge.model_directory import open_model_directory
from libra_edge.model_spec import ModelSpec
from libra_edge.toml_file import read_toml

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_example_of_model_toml_is_valid(tmp_path: Path) -> None:
    text = (DOCS / "model-directory.md").read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "model.toml").write_text(text)
    assert read_toml(tmp_path / "model.toml", ModelSpec).policy.plan_steps == 10


def test_every_gate_is_documented_with_its_threshold() -> None:
    rows = re.findall(r"\| `(\w+)` \| (at least|at most) ([\d.]+) \|", (DOCS / "bundle.md").read_text(encoding="utf-8"))
    bounds = {"higher": "at least", "lower": "at most"}
    assert {name: (bound, float(value)) for name, bound, value in rows} == {
        name: (bounds[gate.better], gate.value) for name, gate in GATES.items()
    }


def test_every_graph_input_is_documented(tiny: Path) -> None:
    text = (DOCS / "model-directory.md").read_text(encoding="utf-8")
    spec = open_model_directory(tiny).spec
    inputs = {**spec.planner_inputs(), **spec.refiner_encoder_inputs(), **spec.refiner_step_inputs()}
    names = {re.sub("^image_.*", "image_<camera>", name) for name in inputs} | {"features", "sample_next", "logits"}
    assert all(f"`{name}`" in text for name in names)

"""10,000 files that call themselves model.toml: each is read, and then can be used, or refused in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from libra_edge.errors import ModelDirectoryError
from libra_edge.model_directory import MODEL_TOML, open_model_directory
from libra_edge.model_spec import ModelSpec
from tests.export.changed_trees import as_toml, changed
from tests.export.fuzzing import ACCEPTED, REFUSED, damaged, fuzz, how_many, overwrite, weighted

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),  # a case that fails is shown whole
]


@pytest.fixture
def hollow(tiny: Path, tmp_path: Path) -> Path:
    """A model directory whose other files are empty: only model.toml is read here."""
    for file in tiny.iterdir():
        (tmp_path / file.name).touch()
    return Path(shutil.copyfile(tiny / MODEL_TOML, tmp_path / MODEL_TOML)).parent


@how_many()
def test_model_toml(hollow: Path, cases: int) -> None:
    text = (hollow / MODEL_TOML).read_bytes()
    tree = open_model_directory(hollow).spec.model_dump(mode="json")
    rubbish = st.binary(max_size=200) | st.text(max_size=100).map(lambda found: found.encode("utf-8", "surrogatepass"))
    trees = changed(tree).map(lambda found: as_toml(found).encode("utf-8", "surrogatepass"))

    def read(content: bytes) -> None:
        overwrite(hollow / MODEL_TOML, content)
        check_usable(open_model_directory(hollow).spec)

    outcomes = fuzz(weighted((6, trees), (3, damaged(text)), (1, rubbish)), read, ModelDirectoryError, cases)
    assert outcomes[ACCEPTED] > cases // 100
    assert outcomes[REFUSED] > cases // 2


def check_usable(spec: ModelSpec) -> None:
    """Everything that is computed from a spec can be, and it survives the way through bundle.json."""
    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.policy.step_ns > 0
    assert np.all(np.isfinite(spec.action_space.normalise(np.zeros(len(spec.action.joints)))))
    tensors = {**spec.planner_inputs(), **spec.planner_outputs(), **spec.refiner_encoder_inputs()}
    assert {f"image_{camera.name}" for camera in spec.camera} < tensors.keys()
    assert all(min(shape) >= 1 for _, shape in {**tensors, **spec.refiner_step_inputs()}.values())

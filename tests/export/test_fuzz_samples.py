"""10,000 files that call themselves calibration.npz: each is read, and then fits, or is refused in one sentence."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from libra_edge.calibration.samples import read_samples
from libra_edge.errors import CalibrationError
from libra_edge.model_directory import open_model_directory
from libra_edge.model_spec import CameraSection, ModelSpec
from tests.export.fuzzing import ACCEPTED, REFUSED, damaged, fuzz, how_many, overwrite, weighted
from tests.export.odd_arrays import Archive, Arrays, archives, npy_bytes

SAMPLES = 32


pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),  # a case that fails is shown whole
]


@pytest.fixture
def spec(tiny: Path) -> ModelSpec:
    """The tiny model with one camera of 8 x 8 pixels, so that a file is short and every part of it is hit."""
    camera = CameraSection(name="front", width=8, height=8, used_by=("planner", "refiner"))
    return open_model_directory(tiny).spec.model_copy(update={"camera": (camera,)})


@pytest.fixture
def valid(spec: ModelSpec) -> Arrays:
    rng = np.random.default_rng(0)
    inputs = {**spec.planner_inputs(), **spec.refiner_encoder_inputs(), "sample": spec.refiner_step_inputs()["sample"]}
    arrays: Arrays = {
        name: rng.integers(0, 2, (SAMPLES, *shape[1:])).astype(kind) for name, (kind, shape) in inputs.items()
    }
    ramp = np.add.outer(np.arange(SAMPLES), np.arange(8)).repeat(24, axis=1)
    return {
        **arrays,
        "image_front": ramp.reshape(SAMPLES, 8, 8, 3).astype(np.uint8),
        "holdout": np.arange(SAMPLES) % 2 == 0,
    }


@how_many()
def test_calibration_npz(spec: ModelSpec, valid: Arrays, tmp_path: Path, cases: int) -> None:
    path = tmp_path / "calibration.npz"
    path.touch()
    members = [(f"{name}.npy", npy_bytes(array)) for name, array in valid.items()]
    stored = Archive(members).to_bytes()
    packed = Archive(members, zipfile.ZIP_DEFLATED).to_bytes()

    def read(content: bytes) -> None:
        overwrite(path, content)
        check_fitting(path, spec)

    read(stored)
    lists = damaged(stored[-1000:]).map(lambda end: stored[:-1000] + end)
    rubbish = st.binary(max_size=200)
    contents = weighted((6, archives(valid)), (2, lists), (1, damaged(packed)), (1, rubbish))
    outcomes = fuzz(contents, read, CalibrationError, cases)
    assert outcomes[ACCEPTED] > cases // 100
    assert outcomes[REFUSED] > cases // 2


def check_fitting(path: Path, spec: ModelSpec) -> None:
    """What was read is what a graph takes, and each sample either sets ranges or judges."""
    samples = read_samples(path, spec)
    count = len(samples.holdout)
    for name, (dtype, shape) in {**spec.planner_inputs(), **spec.refiner_encoder_inputs()}.items():
        assert samples.arrays[name].dtype == dtype
        assert samples.arrays[name].shape == (count, *shape[1:])
        assert np.all(np.isfinite(samples.arrays[name]))
    rows = [samples.rows(held_out=kind, limit=count, seed=0) for kind in (False, True)]
    assert sorted(np.concatenate(rows)) == list(range(count))

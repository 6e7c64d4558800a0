"""The trainer's architecture, untrained, as a model directory: what `make train` ends with."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libra_edge.export.checked_model import SampleChoice, check_model
from libra_edge.export.progress import SilentProgress
from libra_edge.model_directory import open_model_directory

pytestmark = [
    pytest.mark.training,
    pytest.mark.timeout(600),
    # Raised inside torch.export.
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]

SAMPLES = 16


@dataclass(frozen=True)
class Untrained:
    path: Path
    torch: Any
    planner: Any


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Untrained:
    torch, architecture = importlib.import_module("torch"), importlib.import_module("training.architecture")
    vocabulary, write_model = (importlib.import_module(f"training.{name}") for name in ("vocabulary", "write_model"))
    path = tmp_path_factory.mktemp("untrained")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    low, high = (torch.tensor(bound) for bound in write_model.ACTION_RANGE)
    planner = architecture.Planner(low, high, len(vocabulary.VOCABULARY)).eval()
    refiner = architecture.Refiner(low, high).eval()
    write_model.write_graphs(planner, refiner, path)
    write_model.write_spec(path)
    vocabulary.write_tokenizer(path / "tokenizer.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write_model, "CALIBRATION_SAMPLES", SAMPLES)
        patch.setattr(write_model, "HOLDOUT_SAMPLES", SAMPLES)
        write_model.record_calibration(planner, refiner, path)
    return Untrained(path, torch, write_model.PlannerGraph(planner))


def test_it_fits_the_contract_and_says_what_the_module_says(untrained: Untrained) -> None:
    model = check_model(open_model_directory(untrained.path), SampleChoice(), SilentProgress())
    planner = model.open_planner()
    assert len(model.samples.holdout) == 2 * SAMPLES
    for row in (0, 2 * SAMPLES - 1):
        feed = model.samples.feed(row, planner.inputs)
        with untrained.torch.no_grad():
            expected = untrained.planner(*(untrained.torch.tensor(array) for array in feed.values()))[0]
        np.testing.assert_allclose(planner.logits(feed), expected.numpy(), atol=1e-4)

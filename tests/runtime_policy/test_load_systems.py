"""Loading a policy from its files: a model directory and a bundle go through the same door."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from libra_edge.bundle import Bundle, open_bundle
from libra_edge.clock import SimulatedClock
from libra_edge.errors import InstructionError, PolicyFilesError
from libra_edge.export.exporter import ExportOptions, export_model
from libra_edge.export.progress import SilentProgress
from libra_edge.messages import Float64
from libra_edge.model_directory import ModelDirectory, open_model_directory
from libra_edge.policy_files import PolicyFiles
from libra_edge.runtime.load_systems import load_systems
from tests.models import write_tiny_model_directory
from tests.runtime_policy.fakes import an_observation

TASK = "touch the red cube"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelDirectory:
    return open_model_directory(write_tiny_model_directory(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def bundle(model: ModelDirectory, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    out = tmp_path_factory.mktemp("bundles") / "tiny"
    assert export_model(model, ExportOptions(out), SilentProgress()).sha256
    return open_bundle(out)


def chunk_of(files: PolicyFiles) -> Float64:
    policy = load_systems(files).policy(TASK, clock=SimulatedClock(), seed=1)
    plan = policy.make_plan(an_observation(), 0, 0)
    return policy.make_chunk(an_observation(), plan, plan.tokens[:5], 0).positions


def test_a_model_directory_and_its_bundle_load_alike_and_mean_the_same(model: ModelDirectory, bundle: Bundle) -> None:
    trained, exported = chunk_of(model.policy_files()), chunk_of(bundle.policy_files("cpu"))
    assert not np.array_equal(trained, exported), "the bundle's graphs are the quantised ones"
    np.testing.assert_allclose(trained, exported, atol=np.radians(0.5))


def test_words_never_taught_are_refused(model: ModelDirectory) -> None:
    with pytest.raises(InstructionError, match="'purple'"):
        load_systems(model.policy_files()).policy("touch the purple cube", clock=SimulatedClock(), seed=1)


def without(files: PolicyFiles, name: str) -> PolicyFiles:
    return replace(files, graphs={other: path for other, path in files.graphs.items() if other != name})


def test_what_is_missing_or_broken_is_named_with_its_path(model: ModelDirectory, tmp_path: Path) -> None:
    files = model.policy_files()
    with pytest.raises(PolicyFilesError, match=f"{files.path}: there is no graph 'refiner_step'"):
        load_systems(without(files, "refiner_step"))
    gone = tmp_path / "gone.onnx"
    with pytest.raises(PolicyFilesError, match=f"{gone}: ONNX Runtime cannot load it"):
        load_systems(replace(files, graphs={**files.graphs, "planner": gone}))
    swapped = {**files.graphs, "planner": files.graphs["refiner_step"]}
    with pytest.raises(PolicyFilesError, match=f"{files.path}: planner (in|out)put"):
        load_systems(replace(files, graphs=swapped))
    garbage = tmp_path / "tokenizer.json"
    for content in (None, "no tokeniser"):
        if content:
            garbage.write_text(content)
        with pytest.raises(PolicyFilesError, match=r"tokenizer\.json"):
            load_systems(replace(files, tokenizer=garbage))

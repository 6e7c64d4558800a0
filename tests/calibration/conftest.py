"""One tiny model for all, with its record and its tokeniser, and a dataset of its arm."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from libra_edge.calibration.joint_unit import Unit
from libra_edge.calibration.lerobot_samples import lerobot_samples
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_directory import open_model_directory
from libra_edge.model_spec import ModelSpec
from tests.calibration.lerobot_writer import TASKS, Read, WrittenEpisode, an_episode, write_dataset
from tests.models import write_tiny_model_directory


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model_directory(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def spec(tiny: Path) -> ModelSpec:
    return open_model_directory(tiny).spec


@pytest.fixture(scope="session")
def encoder(tiny: Path, spec: ModelSpec) -> InstructionEncoder:
    return InstructionEncoder(tiny / "tokenizer.json", spec.instruction.max_tokens)


@pytest.fixture
def read(spec: ModelSpec, encoder: InstructionEncoder) -> Read:
    def read_it(folder: Path, *, unit: Unit = "deg", limit: int = 20, seed: int = 0, to: Any = None) -> Any:
        return lerobot_samples(folder, to or spec, encoder, seed=seed, limit=limit, unit=unit)

    return read_it


@pytest.fixture(scope="module")
def episodes(spec: ModelSpec) -> list[WrittenEpisode]:
    return [an_episode(spec, number, task=TASKS[number % 2], length=36 + number) for number in range(4)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, spec: ModelSpec, episodes: list[WrittenEpisode]) -> Path:
    return write_dataset(tmp_path_factory.mktemp("datasets") / "h264", episodes, spec.action.joints)


@pytest.fixture
def copied(dataset: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(dataset, tmp_path / "dataset"))

"""One tiny model for all, with its record and its tokeniser."""

from __future__ import annotations

from pathlib import Path

import pytest

from libra_edge.instruction import InstructionEncoder
from libra_edge.model_directory import open_model_directory
from libra_edge.model_spec import ModelSpec
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

"""One tiny model and one bundle of it for all, inline and with external data; a copy of the model to damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from libra_edge.export import graph as graph_module
from libra_edge.export.graph import write_graph
from libra_edge.export.graph_file import read_graph
from libra_edge.model_directory import GRAPHS
from tests.models import write_tiny_bundle, write_tiny_model_directory


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model_directory(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="session")
def large(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a large one is: its weights in files beside its graphs."""
    path = Path(shutil.copytree(tiny, tmp_path_factory.mktemp("models") / "large"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph_module, "INLINE_BYTES", 0)
        for name in GRAPHS:
            write_graph(read_graph(tiny / f"{name}.onnx"), path / f"{name}.onnx")
    return path


@pytest.fixture(scope="session")
def large_bundle(large: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of it for both targets, with external data itself."""
    from tests.export.exporting import export

    out = tmp_path_factory.mktemp("bundles") / "large"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph_module, "INLINE_BYTES", 0)
        assert export(large, out).sha256
    return out


@pytest.fixture
def copied(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "model"))

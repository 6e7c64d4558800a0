"""2,000 damaged ONNX graphs: each is read or refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from libra_edge.errors import ModelDirectoryError
from libra_edge.export.graphs import load_graphs
from libra_edge.export.progress import SilentProgress
from libra_edge.model_directory import open_model_directory
from tests.export.fuzzing import REFUSED, damaged, fuzz, how_many, overwrite

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),  # a case that fails is shown whole
]


@how_many(2_000)
def test_onnx_graphs(copied: Path, cases: int) -> None:
    """The refiner's step, because it has few weights: most of its bytes say how the graph is made."""
    graph = copied / "refiner_step.onnx"

    def read(content: bytes) -> None:
        overwrite(graph, content)
        load_graphs(open_model_directory(copied), SilentProgress())

    outcomes = fuzz(damaged(graph.read_bytes()), read, ModelDirectoryError, cases)
    assert outcomes[REFUSED] > cases // 4

"""The check of graphs: what it makes of the builder's answers, and that it does not pass over nothing."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from requirements import check_tensorrt
from requirements.tensorrt_wheels import WheelError, WheelFolders
from tests.tensorrt.example_graphs import EXAMPLES

BUILT = {"bytes": 1000, "seconds": 0.2, "loads": False}


class Library:
    """Answers like `tensorrt_rtx_build`: takes the good examples, refuses the others; of our graphs it does as told."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer
        self.graphs: list[str] = []

    def __call__(self, folder: Path, graphs: list[str]) -> dict[str, dict[str, Any]]:
        self.graphs = graphs
        refused = {make.__name__: operator for make, operator in EXAMPLES.items() if operator}
        return {graph: self._of(graph, refused.get(Path(graph).stem)) for graph in graphs}

    def _of(self, graph: str, operator: str | None) -> dict[str, Any]:
        if "bundles" in graph:
            return self._answer
        return {"problem": "no", "node": f"/it ({operator})"} if operator else BUILT


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(check_tensorrt, "ROOT", tmp_path)
    monkeypatch.setattr(WheelFolders, "unpacked", lambda self, name: tmp_path)
    graph = tmp_path / "bundles" / "small" / "tensorrt" / "planner.onnx"
    graph.parent.mkdir(parents=True)
    graph.touch()
    return tmp_path


def complaints(monkeypatch: pytest.MonkeyPatch, library: Any) -> list[str]:
    monkeypatch.setattr(check_tensorrt, "built", library)
    return list(check_tensorrt.graph_complaints(WheelFolders(Path("nowhere"))))


def test_every_exported_graph_and_every_example_is_built(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(BUILT)
    assert complaints(monkeypatch, library) == []
    assert str(checkout / "bundles/small/tensorrt/planner.onnx") in library.graphs
    assert {Path(graph).stem for graph in library.graphs} >= {make.__name__ for make in EXAMPLES}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"problem": "graph planner.onnx: no such type", "node": "/it (Slice)"}, "no such type"),
        ({"crash": "the builder ended with code -11"}, "planner.onnx: the builder ended with code -11"),
    ],
)
def test_a_graph_that_is_not_built_turns_it_red(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], words: str
) -> None:
    (told,) = complaints(monkeypatch, Library(answer))
    assert words in told


def test_an_export_without_such_graphs_turns_it_red(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "bundles" / "small" / "tensorrt" / "planner.onnx").unlink()
    (told,) = complaints(monkeypatch, Library(BUILT))
    assert "no bundle has a graph for `tensorrt`" in told


@pytest.mark.parametrize("answer", [BUILT, {"problem": "no", "node": "/other (MatMul)"}])
def test_an_example_that_is_not_refused_for_what_it_breaks_turns_it_red(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    told = complaints(monkeypatch, lambda folder, graphs: dict.fromkeys(graphs, answer))
    wrong = [line for line in told if "has to be refused for its" in line]
    assert len(wrong) == len([operator for operator in EXAMPLES.values() if operator])


def test_wheels_that_cannot_be_fetched_fail_the_check_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(self: WheelFolders, name: str) -> Path:
        raise WheelError("pip cannot install rtx.txt: no network")

    monkeypatch.setattr(WheelFolders, "unpacked", offline)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert check_tensorrt.main() == 1
    assert capsys.readouterr().out.count("FAILED could not be checked: pip cannot install") == 2


def test_another_processor_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert check_tensorrt.main() == 1
    assert "exists for x86_64 only, this is aarch64" in capsys.readouterr().err

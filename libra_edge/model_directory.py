"""The contract between training and export: a folder of FP32 ONNX graphs and the `model.toml` that explains them.

Only files and `model.toml` are looked at here; the graphs themselves are checked in export, which knows ONNX.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from libra_edge.errors import ModelDirectoryError
from libra_edge.model_spec import ModelSpec
from libra_edge.policy_files import PolicyFiles
from libra_edge.toml_file import read_toml

GRAPHS = ("planner", "refiner_encoder", "refiner_step")
MODEL_TOML = "model.toml"
TOKENIZER = "tokenizer.json"
CALIBRATION = "calibration.npz"


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """A model directory whose files exist and whose `model.toml` is valid."""

    path: Path
    spec: ModelSpec

    @property
    def tokenizer(self) -> Path:
        """The instruction tokeniser, in the `tokenizers` library's JSON."""
        return self.path / TOKENIZER

    @property
    def calibration(self) -> Path:
        """Real samples: the planner's and refiner's inputs as recorded, see calibration.samples."""
        return self.path / CALIBRATION

    def graph(self, name: str) -> Path:
        """Path of one of GRAPHS."""
        return self.path / f"{name}.onnx"

    def graph_files(self, name: str) -> tuple[Path, ...]:
        """The graph, and the external data file that holds its weights if they do not lie inside."""
        return files_of_graph(self.graph(name))

    def policy_files(self) -> PolicyFiles:
        """The FP32 policy itself, for loading."""
        return PolicyFiles(self.path, self.spec, self.tokenizer, {name: self.graph(name) for name in GRAPHS})


def files_of_graph(graph: Path) -> tuple[Path, ...]:
    """An ONNX file and, if there is one, its external data file `<graph>.onnx.data`."""
    data = graph.with_name(f"{graph.name}.data")
    return (graph, data) if data.is_file() else (graph,)


def open_model_directory(path: Path) -> ModelDirectory:
    """Check that `path` is a model directory. Raises ModelDirectoryError."""
    try:
        _check_files(path)
        spec = read_toml(path / MODEL_TOML, ModelSpec)
    except (ValueError, OSError) as error:
        raise ModelDirectoryError(path, f"{error}; see docs/model-directory.md") from error
    return ModelDirectory(path, spec)


def _check_files(path: Path) -> None:
    if not path.is_dir():
        raise ModelDirectoryError(path, "there is no such folder; give a folder that holds model.toml")
    needed = [MODEL_TOML, *(f"{graph}.onnx" for graph in GRAPHS), TOKENIZER, CALIBRATION]
    missing = [name for name in needed if not (path / name).is_file()]
    if missing:
        raise ModelDirectoryError(path, f"missing {', '.join(missing)}; a model directory holds {', '.join(needed)}")

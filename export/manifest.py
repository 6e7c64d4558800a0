"""What `bundle.json` says of an export: files and sources with their hashes, precisions, sizes, gates, tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort

from libra_edge import __version__
from libra_edge.bundle import TOKENIZER, GateEntry, Manifest, StageEntry, TargetEntry, sealed, sha256_of
from libra_edge.export.bundle_folder import BundleFolder
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.conversion import LAYERS, Stage
from libra_edge.model_directory import CALIBRATION, GRAPHS, MODEL_TOML, ModelDirectory

TARGET: Final = "cpu"


def graph_file(name: str) -> str:
    """Where a graph lies in the bundle."""
    return f"{TARGET}/{name}.onnx"


def make_manifest(
    model: CheckedModel, stages: Mapping[str, Stage], folder: BundleFolder, gates: tuple[GateEntry, ...], seed: int
) -> Manifest:
    """The sealed manifest of what `folder` holds: graphs of both stages and the tokeniser."""
    entries = {name: _stage_entry(stage, model.directory, folder) for name, stage in stages.items()}
    files = [TOKENIZER, *(file for entry in entries.values() for file in entry.graphs.values())]
    manifest = Manifest(
        schema_version=1,
        name=model.directory.spec.name,
        model=model.directory.spec,
        targets={TARGET: TargetEntry(planner=entries["planner"], refiner=entries["refiner"])},
        gates=gates,
        files={name: sha256_of(folder.path / name) for name in files},
        sources=_sources(model),
        seed=seed,
        tools=_tools(),
    )
    return sealed(manifest)


def _stage_entry(stage: Stage, directory: ModelDirectory, folder: BundleFolder) -> StageEntry:
    graphs = {name: graph_file(name) for name in stage.graphs}
    return StageEntry(
        graphs=graphs,
        precision=stage.precision,
        layers=LAYERS[stage.precision],
        bytes=sum((folder.path / file).stat().st_size for file in graphs.values()),
        bytes_fp32=sum(directory.graph(name).stat().st_size for name in graphs),
    )


def _sources(model: CheckedModel) -> dict[str, str]:
    names = [MODEL_TOML, TOKENIZER, *(f"{name}.onnx" for name in GRAPHS)]
    hashes = {name: sha256_of(model.directory.path / name) for name in names}
    return {**hashes, CALIBRATION: sha256_of(model.calibration)}


def _tools() -> dict[str, str]:
    libraries = {"numpy": np.__version__, "onnx": onnx.__version__, "onnxruntime": ort.__version__}
    return {"libra-edge": __version__, **libraries}

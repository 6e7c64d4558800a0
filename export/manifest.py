"""What `bundle.json` says of an export: files and sources with their hashes, precisions, sizes, gates, tools."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnxruntime as ort

from libra_edge import __version__
from libra_edge.bundle import (
    TOKENIZER,
    ClosedLoopEntry,
    GateEntry,
    Manifest,
    StageEntry,
    Target,
    TargetEntry,
    sealed,
    sha256_of,
)
from libra_edge.calibration.sample_forms import HOLDOUT
from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.closed_loop_outcome import ClosedLoopOutcome
from libra_edge.export.bundle_folder import BundleFolder
from libra_edge.export.checked_model import CheckedModel
from libra_edge.export.precision import precision_file
from libra_edge.export.target_export import TargetExport
from libra_edge.model_directory import CALIBRATION, GRAPHS, MODEL_TOML, ModelDirectory, files_of_graph


def make_manifest(
    model: CheckedModel,
    exports: Mapping[Target, TargetExport],
    loops: Mapping[Target, ClosedLoopOutcome | None],
    *,
    folder: BundleFolder,
    gates: Sequence[GateEntry],
    seed: int,
) -> Manifest:
    """The sealed manifest of what `folder` holds: graphs of every target and the tokeniser."""
    targets = {target: _target_entry(export, loops[target], model, folder) for target, export in exports.items()}
    written = [file for export in exports.values() for path in export.paths.values() for file in files_of_graph(path)]
    files = [TOKENIZER, *(str(file.relative_to(folder.path)) for file in written)]
    manifest = Manifest(
        schema_version=1,
        name=model.directory.spec.name,
        model=model.directory.spec,
        targets=targets,
        gates=tuple(gates),
        files={name: sha256_of(folder.path / name) for name in files},
        sources=_sources(model, tuple(exports)),
        seed=seed,
        tools=_tools(),
    )
    return sealed(manifest)


def _target_entry(
    export: TargetExport, loop: ClosedLoopOutcome | None, model: CheckedModel, folder: BundleFolder
) -> TargetEntry:
    entries = {}
    for name, stage in export.stages.items():
        paths = {graph: export.paths[graph] for graph in stage.graphs}
        share = export.macs.share if export.macs is not None and name == "planner" else None
        entries[name] = StageEntry(
            graphs={graph: str(path.relative_to(folder.path)) for graph, path in paths.items()},
            precision=stage.precision,
            layers=dict(stage.layers),
            bytes=sum(file.stat().st_size for path in paths.values() for file in files_of_graph(path)),
            bytes_fp32=_fp32_bytes(model.directory, tuple(paths)),
            int8_mac_share=share,
        )
    closed_loop = None if loop is None else ClosedLoopEntry(**dataclasses.asdict(loop))
    return TargetEntry(planner=entries["planner"], refiner=entries["refiner"], closed_loop=closed_loop)


def _fp32_bytes(directory: ModelDirectory, names: tuple[str, ...]) -> int:
    return sum(file.stat().st_size for name in names for file in directory.graph_files(name))


def _sources(model: CheckedModel, targets: tuple[Target, ...]) -> dict[str, str]:
    directory = model.directory
    graphs = [file for name in GRAPHS for file in directory.graph_files(name)]
    precisions = [directory.path / precision_file(target) for target in targets]
    files = [
        directory.path / MODEL_TOML,
        directory.tokenizer,
        *graphs,
        *(file for file in precisions if file.is_file()),
    ]
    return {**{file.name: sha256_of(file) for file in files}, CALIBRATION: _hash_of(model.samples)}


def _hash_of(samples: CalibrationSamples) -> str:
    """Of what the samples hold, wherever they come from: names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name, array in sorted({**samples.arrays, HOLDOUT: samples.holdout}.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _tools() -> dict[str, str]:
    libraries = {"numpy": np.__version__, "onnx": onnx.__version__, "onnxruntime": ort.__version__}
    return {"libra-edge": __version__, **libraries}

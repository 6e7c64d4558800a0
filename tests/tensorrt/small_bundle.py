"""A bundle for target `tensorrt` whose graphs are a few bytes each: enough for a stand-in that does not look inside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from libra_edge.bundle import (
    MANIFEST,
    TOKENIZER,
    Bundle,
    Manifest,
    StageEntry,
    TargetEntry,
    manifest_bytes,
    open_bundle,
    sealed,
    sha256_of,
)
from tests.runtime_policy.fakes import a_spec

GRAPHS = ("planner", "refiner_encoder", "refiner_step")


def write_small_bundle(
    path: Path,
    contents: dict[str, str] | None = None,
    precision: str = "int8",
    target: Literal["cpu", "tensorrt"] = "tensorrt",
) -> Bundle:
    """Three graphs, the planner with its weights in a file beside it; `contents` by file name, in place of its name."""
    files = [f"tensorrt/{name}.onnx" for name in GRAPHS] + ["tensorrt/planner.onnx.data", TOKENIZER]
    for name in files:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text((contents or {}).get(name, name), encoding="utf-8")
    graphs = {name: f"tensorrt/{name}.onnx" for name in GRAPHS}
    planner = {"planner": graphs.pop("planner")}
    entry = TargetEntry(planner=_stage(planner, precision), refiner=_stage(graphs, "fp16"))
    manifest = Manifest(
        schema_version=1,
        name="small",
        model=a_spec(),
        targets={target: entry},
        gates=(),
        files={name: sha256_of(path / name) for name in files},
        tools={},
    )
    (path / MANIFEST).write_bytes(manifest_bytes(sealed(manifest)))
    return open_bundle(path)


def _stage(graphs: dict[str, str], precision: str) -> StageEntry:
    return StageEntry(graphs=graphs, precision=precision, bytes=1, bytes_fp32=1)

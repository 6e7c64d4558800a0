"""The contract between export and runtime: an immutable folder in which every file has its SHA-256.

`bundle.json` holds no dates and no paths of the machine that wrote it, so equal inputs give an equal bundle.
`report.html` lies in the folder but is no part of the bundle: it shows times measured on the machine that wrote it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libra_edge.errors import BundleError
from libra_edge.model_directory import GRAPHS
from libra_edge.model_spec import Finite, ModelSpec
from libra_edge.policy_files import PolicyFiles
from libra_edge.toml_file import first_fault

MANIFEST = "bundle.json"
REPORT = "report.html"
TOKENIZER = "tokenizer.json"
MAX_MANIFEST_BYTES = 1_000_000
Target = Literal["cpu", "tensorrt"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RelativeName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*)*$", max_length=200)
]
Count = Annotated[int, Field(ge=0, le=1 << 53)]


class Table(BaseModel):
    """A frozen table that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StageEntry(Table):
    """One system's graphs for one target.

    Attributes:
        graphs: graph name (planner | refiner_encoder | refiner_step) -> file in the bundle.
        precision: what was asked for: int8, fp16, bf16, fp32.
        layers: layer group -> what its numbers really are.
        bytes, bytes_fp32: size of its graphs, with their weights, here and in the model directory.
        int8_mac_share: share of its multiply-adds that ran in INT8 when it was exported; None where it cannot run.
    """

    graphs: dict[str, RelativeName]
    precision: str
    layers: dict[str, str] = {}
    bytes: Count
    bytes_fp32: Count
    int8_mac_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None


class ClosedLoopEntry(Table):
    """Episodes that FP32 and exported policy played from the same seeds; a drop is FP32 minus exported, in points.

    Attributes:
        only_fp32, only_exported: episodes in which one succeeded and the other did not.
        low_points, high_points: ends of the paired 95 % interval of the drop.
    """

    robot: str
    episodes: Count
    first_seed: Count
    last_seed: Count
    successes_fp32: Count
    successes_exported: Count
    only_fp32: Count
    only_exported: Count
    drop_points: Finite
    low_points: Finite
    high_points: Finite


class TargetEntry(Table):
    """What a target runs: the planner and the refiner; and how its closed loop went, if it was run."""

    planner: StageEntry
    refiner: StageEntry
    closed_loop: ClosedLoopEntry | None = None


class GateEntry(Table):
    """One figure held against its threshold; `accepted` records that a person overrode a failure."""

    target: str
    name: str
    value: Finite | None
    threshold: Finite
    better: Literal["higher", "lower"]
    verdict: Literal["passed", "failed", "not run"]
    accepted: bool = False


class Manifest(Table):
    """The whole of `bundle.json`.

    Attributes:
        files: every file but `bundle.json` and `report.html`, with its hash.
        sources: the files of the model directory that it was made from, with their hashes.
        seed: what the export drew its samples with.
        tools: versions of what made it.
        seal: SHA-256 of the manifest with an empty seal. It tells accidents, not attackers, who could seal anew.
    """

    schema_version: Literal[1]
    name: str
    model: ModelSpec
    targets: dict[Target, TargetEntry]
    gates: tuple[GateEntry, ...]
    files: dict[RelativeName, Sha256]
    sources: dict[RelativeName, Sha256] = {}
    seed: Count = 0
    tools: dict[str, str]
    seal: Sha256 | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose every file was found and hashed."""

    path: Path
    manifest: Manifest
    sha256: str

    @property
    def spec(self) -> ModelSpec:
        """The model's own record."""
        return self.manifest.model

    @property
    def tokenizer(self) -> Path:
        """The instruction tokeniser."""
        return self.path / TOKENIZER

    @property
    def gates_not_run(self) -> tuple[GateEntry, ...]:
        """Gates without a verdict; the runtime announces them."""
        return tuple(gate for gate in self.manifest.gates if gate.verdict == "not run")

    def graph(self, target: Target, name: str) -> Path:
        """Path of a graph. Raises BundleError if this bundle has none for `target`."""
        entry = self.manifest.targets.get(target)
        if entry is None:
            known = ", ".join(self.manifest.targets)
            raise BundleError(
                self.path, f"not exported for {target!r}, only for {known}; export it with --target {target}"
            )
        graphs = {**entry.planner.graphs, **entry.refiner.graphs}
        if name not in graphs:
            raise BundleError(self.path, f"{MANIFEST} names no graph {name!r} for {target!r}; export it again")
        return self.path / graphs[name]

    def policy_files(self, target: Literal["cpu", "tensorrt"]) -> PolicyFiles:
        """What a target runs, for loading. Raises BundleError if this bundle has no graphs for `target`."""
        graphs = {name: self.graph(target, name) for name in GRAPHS}
        return PolicyFiles(self.path, self.spec, self.tokenizer, graphs)


def sha256_of(path: Path) -> str:
    """Hex digest of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def manifest_bytes(manifest: Manifest) -> bytes:
    """The one spelling of a manifest: sorted keys, two spaces, newline at the end."""
    return (json.dumps(manifest.model_dump(mode="json"), indent=2, sort_keys=True) + "\n").encode()


def sealed(manifest: Manifest) -> Manifest:
    """The manifest with its seal."""
    blank = manifest.model_copy(update={"seal": ""})
    return manifest.model_copy(update={"seal": hashlib.sha256(manifest_bytes(blank)).hexdigest()})


def open_bundle(path: Path) -> Bundle:
    """Read, hash and judge a bundle. Raises BundleError if a byte differs or a gate failed unaccepted."""
    try:
        manifest, raw = _read_manifest(path)
        _check_files(path, manifest)
    except OSError as error:
        raise BundleError(path, f"cannot be read: {error.strerror or error}") from error
    for gate in manifest.gates:
        if gate.verdict == "failed" and not gate.accepted:
            raise BundleError(path, f"gate {gate.name!r} failed ({gate.value} against {gate.threshold})")
    return Bundle(path, manifest, hashlib.sha256(raw).hexdigest())


def _check_files(path: Path, manifest: Manifest) -> None:
    for name, expected in manifest.files.items():
        file = path / name
        if not file.is_file():
            raise BundleError(path, f"{name} is missing; export it again")
        if sha256_of(file) != expected:
            raise BundleError(path, f"{name} was changed after export (its SHA-256 differs); export it again")
    graphs = [
        name
        for entry in manifest.targets.values()
        for name in (*entry.planner.graphs.values(), *entry.refiner.graphs.values())
    ]
    weights = [f"{name}.data" for name in graphs if (path / f"{name}.data").exists()]
    unlisted = [name for name in (*graphs, *weights) if name not in manifest.files]
    if unlisted or TOKENIZER not in manifest.files:
        raise BundleError(path, f"{', '.join(unlisted) or TOKENIZER} has no hash in {MANIFEST}; export it again")


def _read_manifest(path: Path) -> tuple[Manifest, bytes]:
    file = path / MANIFEST
    if not file.is_file():
        raise BundleError(path, f"there is no {MANIFEST} in it; make one with: libra-edge export MODEL --out {path}")
    with file.open("rb") as opened:
        raw = opened.read(MAX_MANIFEST_BYTES + 1)
    if len(raw) > MAX_MANIFEST_BYTES:
        raise BundleError(path, f"{MANIFEST} is larger than {MAX_MANIFEST_BYTES} bytes")
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        raise BundleError(path, f"{MANIFEST}: {first_fault(error)}") from error
    if raw != manifest_bytes(sealed(manifest)):
        raise BundleError(path, f"{MANIFEST} was changed after export (its seal differs); export it again")
    return manifest, raw

"""What an engine was made from: the key that it is kept under, and the record that lies beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from libra_edge.bundle import RelativeName, Sha256, Table

RECORD = "engine.json"
PLAN = "plan"
LAYERS = "layers.json"
MAX_RECORD_BYTES = 100_000
MAX_LAYERS_BYTES = 200_000_000


class EngineKey(Table):
    """Everything that an engine depends on. Whatever differs here gives another engine.

    Attributes:
        onnx: the graph and the files with its weights, by name in the bundle, with their hashes.
        device: the GPU's name; an engine is tuned for one.
        compute_capability: `8.7` for a Jetson Orin.
        precision: of the stage, as the bundle names it.
        workspace_mb: most GPU memory that a layer may use for scratch, in 2^20 bytes.
        flags: other settings of the builder.
    """

    onnx: dict[RelativeName, Sha256]
    tensorrt: str
    device: str
    compute_capability: str
    precision: str
    workspace_mb: int
    flags: tuple[str, ...] = ("strongly_typed", "detailed_layers")

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, in hex: the name of the engine's folder."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class EngineRecord(Table):
    """The whole of `engine.json`.

    Attributes:
        graph: name of the graph, for people.
        seconds: what building took.
    """

    schema_version: Literal[1] = 1
    graph: str
    made_from: EngineKey
    plan_bytes: int = Field(ge=1)
    plan_sha256: Sha256
    layers_sha256: Sha256
    seconds: float = Field(ge=0)


def read_record(folder: Path) -> EngineRecord:
    """The record in an engine's folder. Raises OSError, and ValueError with one clause if it cannot be used."""
    file = folder / RECORD
    if file.stat().st_size > MAX_RECORD_BYTES:
        raise ValueError(f"{RECORD} is larger than {MAX_RECORD_BYTES} bytes")
    try:
        return EngineRecord.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{RECORD} is not what libra-edge writes") from error


def read_plan(folder: Path, record: EngineRecord) -> bytes:
    """The serialised engine, just as it was built. Raises OSError, and ValueError if it or its layers differ."""
    size = (folder / PLAN).stat().st_size
    if size != record.plan_bytes:
        raise ValueError(f"{PLAN} has {size} bytes where {record.plan_bytes} were written")
    if (folder / LAYERS).stat().st_size > MAX_LAYERS_BYTES:
        raise ValueError(f"{LAYERS} is larger than {MAX_LAYERS_BYTES} bytes")
    plan = (folder / PLAN).read_bytes()
    for name, content, expected in (
        (PLAN, plan, record.plan_sha256),
        (LAYERS, (folder / LAYERS).read_bytes(), record.layers_sha256),
    ):
        if hashlib.sha256(content).hexdigest() != expected:
            raise ValueError(f"{name} was changed after it was written (its SHA-256 differs)")
    return plan

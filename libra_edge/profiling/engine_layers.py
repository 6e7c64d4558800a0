"""What TensorRT's engine inspector tells of an engine's layers, read from the file that lies beside each engine.

Source of the keys: TensorRT Developer Guide, "Engine Inspector", in its detailed form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libra_edge.errors import PolicyFilesError
from libra_edge.export import engine_record
from libra_edge.toml_file import first_fault

NODE = re.compile(r"\[ONNX Layer: ([^\]]+)\]")
ELEMENTS = (
    ("bf16|bfloat", "bf16", 2),
    ("fp16|half", "fp16", 2),
    ("fp32|float", "fp32", 4),
    ("fp8", "fp8", 1),
    ("u?int8", "int8", 1),
    ("int32", "int32", 4),
    ("int64", "int64", 8),
    ("bool", "bool", 1),
)
"""Words in a tensor's format, to the element's name and bytes; the first that is found counts."""
MOVERS = frozenset({"Reformat", "NoOp", "Constant", "shape_call", "signal", "wait"})
"""Layers that compute nothing of the nodes that they name."""


class Foreign(BaseModel):
    """TensorRT tells more than is read here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TensorEntry(Foreign):
    """A tensor, as it lies in memory."""

    sizes: tuple[int, ...] = Field(alias="Dimensions")
    format: str = Field(alias="Format/Datatype")

    @property
    def element(self) -> tuple[str, int] | None:
        """Name and bytes of an element; None for a format that nobody knows."""
        return next(((name, size) for words, name, size in ELEMENTS if re.search(words, self.format, re.I)), None)

    @property
    def bytes(self) -> int | None:
        """None where the type or a size is not known."""
        element, count = self.element, 1
        for size in self.sizes:
            count *= size
        return None if element is None or any(size < 0 for size in self.sizes) else count * element[1]


class LayerRecord(Foreign):
    """One layer in the detailed form."""

    name: str = Field(alias="Name")
    type: str = Field(alias="LayerType")
    inputs: tuple[TensorEntry, ...] = Field(alias="Inputs")
    outputs: tuple[TensorEntry, ...] = Field(alias="Outputs")
    metadata: str = Field(default="", alias="Metadata")
    weights: Any = Field(default=None, alias="Weights")
    bias: Any = Field(default=None, alias="Bias")


class EngineRecord(Foreign):
    """The whole of it; a layer that is only a name comes from an engine without detailed information."""

    layers: tuple[LayerRecord | str, ...] = Field(alias="Layers")


@dataclass(frozen=True, slots=True)
class EngineLayer:
    """One layer of an engine.

    Attributes:
        nodes: names of the ONNX nodes that it computes, each at one layer of the engine only.
        bytes: None where TensorRT does not tell.
    """

    name: str
    type: str
    precision: str
    nodes: tuple[str, ...]
    bytes: int | None


def read_engine_layers(path: Path) -> tuple[EngineLayer, ...]:
    """In the engine's order. Raises PolicyFilesError, in one sentence, for a file that tells of no layer in detail."""
    records = _records(path)
    owners = _owners(records)
    return tuple(
        EngineLayer(
            name=record.name,
            type=record.type,
            precision=_precision(record),
            nodes=tuple(node for node in _nodes(record) if owners[node] is record),
            bytes=_bytes(record),
        )
        for record in records
    )


def _records(path: Path) -> list[LayerRecord]:
    advice = "delete the folder that it lies in, and the engine is built anew with its layers"
    try:
        with path.open("rb") as file:
            raw = file.read(engine_record.MAX_LAYERS_BYTES + 1)
        if len(raw) > engine_record.MAX_LAYERS_BYTES:
            raise PolicyFilesError(path, f"it is larger than {engine_record.MAX_LAYERS_BYTES} bytes; {advice}")
        layers = EngineRecord.model_validate_json(raw).layers
    except OSError as error:
        raise PolicyFilesError(path, f"the engine's layers cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise PolicyFilesError(path, f"these are no layers of an engine ({first_fault(error)}); {advice}") from error
    detailed = [layer for layer in layers if isinstance(layer, LayerRecord)]
    if len(detailed) < len(layers) or not layers:
        raise PolicyFilesError(path, f"the engine was built without detailed layer information; {advice}")
    return detailed


def _owners(records: Iterable[LayerRecord]) -> Mapping[str, LayerRecord]:
    """Node -> the layer that computes it: the first that names it and does more than move it."""
    owners: dict[str, LayerRecord] = {}
    for record in sorted(records, key=lambda record: record.type in MOVERS):
        for node in _nodes(record):
            owners.setdefault(node, record)
    return owners


def _nodes(record: LayerRecord) -> list[str]:
    return list(dict.fromkeys(NODE.findall(record.metadata)))


def _precision(record: LayerRecord) -> str:
    """INT8 if all that it reads is INT8; else what it gives."""
    read = {tensor.element for tensor in record.inputs}
    if len(read) == 1 and (element := read.pop()) is not None and element[0] == "int8":
        return "int8"
    given = record.outputs[0].element if record.outputs else None
    return "unknown" if given is None else given[0]


def _bytes(record: LayerRecord) -> int | None:
    sizes = [tensor.bytes for tensor in (*record.inputs, *record.outputs)]
    known = [size for size in sizes if size is not None]
    return sum(known) + _stored(record.weights) + _stored(record.bias) if len(known) == len(sizes) else None


def _stored(constant: Any) -> int:
    """Of `{"Type": "Half", "Count": 64}`; 0 for anything else."""
    try:
        tensor = TensorEntry.model_validate({"Dimensions": [constant["Count"]], "Format/Datatype": constant["Type"]})
    except (ValidationError, TypeError, KeyError):
        return 0
    return tensor.bytes or 0

"""Reads a recording back. One that was cut off (a killed process, a power cut) is read as far as it goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from mcap.records import Channel, Message, Metadata, Schema

from libra_edge.mcap_file import read_records
from libra_edge.messages import UInt8
from libra_edge.runtime.jpeg import from_jpeg
from libra_edge.runtime.recording_messages import CAMERA


@dataclass(frozen=True, slots=True, eq=False)
class RecordedMessage:
    """One message as it lies in the file; `time_ns` is the wall clock's, `sequence` of a picture its frame number.

    `form` is the name of its schema.
    """

    topic: str
    time_ns: int
    data: bytes
    sequence: int = 0
    form: str = ""

    def json(self) -> dict[str, Any]:
        """Content of a JSON topic."""
        content: dict[str, Any] = json.loads(self.data)
        return content

    def picture(self) -> UInt8:
        """Content of a camera topic, uint8 [H, W, 3] RGB. Raises DecodeError or ValueError for what is no picture."""
        if self.form == CompressedImage.DESCRIPTOR.full_name:
            return from_jpeg(CompressedImage.FromString(self.data).data)
        image = RawImage.FromString(self.data)
        return np.frombuffer(image.data, dtype=np.uint8).reshape(image.height, image.width, 3)

    @property
    def camera(self) -> str | None:
        """Name of the camera if this is a picture."""
        return self.topic.removeprefix(CAMERA) if self.topic.startswith(CAMERA) else None


def read_content(
    path: Path, wanted: Callable[[str], bool] = lambda topic: True
) -> Iterator[RecordedMessage | Metadata]:
    """Every metadata record, and every message whose topic is `wanted`, in the file's order. Raises RecordingError."""
    forms: dict[int, str] = {}
    channels: dict[int, tuple[str, str]] = {}
    for record in read_records(path):
        if isinstance(record, Schema):
            forms[record.id] = record.name
        elif isinstance(record, Channel):
            channels[record.id] = record.topic, forms.get(record.schema_id, "")
        elif isinstance(record, Message) and wanted(channels[record.channel_id][0]):
            topic, form = channels[record.channel_id]
            yield RecordedMessage(topic, record.log_time, record.data, record.sequence, form)
        elif isinstance(record, Metadata):
            yield record


def read_messages(path: Path, wanted: Callable[[str], bool] = lambda topic: True) -> Iterator[RecordedMessage]:
    """Every message whose topic is `wanted`, in the order of the file. Raises RecordingError."""
    return (content for content in read_content(path, wanted) if isinstance(content, RecordedMessage))


def read_metadata(path: Path) -> dict[str, dict[str, str]]:
    """The metadata records by name: `run`, and `result` if the recording was closed properly. Raises RecordingError."""
    return {record.name: dict(record.metadata) for record in read_records(path) if isinstance(record, Metadata)}

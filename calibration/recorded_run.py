"""One recording as calibration sees it: for each chunk, what the refiner was given. The format: docs/recording.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from mcap.records import Channel, McapRecord, Message, Metadata
from pydantic import BaseModel, Field, ValidationError

from libra_edge.calibration.sample_forms import cameras_of
from libra_edge.chunk_noise import chunk_noise
from libra_edge.mcap_file import read_records
from libra_edge.messages import Float32, Float64, Int64, UInt8
from libra_edge.model_spec import ModelSpec
from libra_edge.toml_file import first_fault

CAMERA, PLAN, CHUNK = "/camera/", "/policy/plan", "/policy/chunk"
SEQUENCES = 1 << 32

Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Token = Annotated[int, Field(ge=-(1 << 31), lt=1 << 31)]
Parsed = TypeVar("Parsed", bound=BaseModel)


class RunFacts(BaseModel):
    """The metadata record `run`; `joints` are names in order, divided by blanks."""

    task: str
    model: str
    joints: str
    seed: Count
    pictures: str = "lossless"


class RecordedPlan(BaseModel):
    """A message of /policy/plan; tokens are L_macro rows of D."""

    plan_id: int
    tokens: list[list[Token]]


class Seen(BaseModel):
    """What went in: camera -> frame number, and joint positions, rad."""

    frames: dict[str, Count]
    position_rad: list[float]


class RecordedChunk(BaseModel):
    """A message of /policy/chunk."""

    first_step: Count
    step_ns: int
    plan_id: int
    plan_age_steps: Count
    positions_rad: list[list[float]]
    seen: Seen


@dataclass(frozen=True, slots=True, eq=False)
class ChunkInputs:
    """What one chunk was made from.

    Attributes:
        state: float64 [D] rad.
        tokens: int64 [H_chunk, D], the slice of the plan that begins at the chunk's first step.
        sample: float32 [H_chunk, D], the noise that denoising started from.
        pictures: camera -> place of its frame among the file's messages, counted from 0.
    """

    state: Float64
    tokens: Int64
    plan_age: int
    sample: Float32
    pictures: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class RecordedRun:
    """A recording without its pictures.

    Attributes:
        chunks: those whose plan and frames are all in the file.
        incomplete: how many others there are.
    """

    path: Path
    task: str
    model: str
    chunks: tuple[ChunkInputs, ...]
    incomplete: int


def read_run(path: Path, spec: ModelSpec) -> RecordedRun:
    """Read what a model's refiner was given. Raises RecordingError; ValueError, of one clause, if it does not fit."""
    metadata: dict[str, str] = {}
    plans: dict[int, RecordedPlan] = {}
    frames: dict[tuple[str, int], int] = {}
    seen: list[tuple[RecordedChunk, dict[str, int | None]]] = []
    for place, topic, message in _messages(path, metadata):
        if topic.startswith(CAMERA):
            frames[topic.removeprefix(CAMERA), message.sequence] = place
        elif topic == PLAN:
            plan = _parsed(RecordedPlan, message.data, path)
            plans[plan.plan_id] = plan
        elif topic == CHUNK:
            chunk = _parsed(RecordedChunk, message.data, path)
            seen.append((chunk, {camera: _place(camera, chunk, frames) for camera in cameras_of(spec)}))
    facts = _facts(metadata, path, spec)
    chunks = [
        _inputs(chunk, plans[chunk.plan_id], _all_there(places), seed=facts.seed, spec=spec, path=path)
        for chunk, places in seen
        if chunk.plan_id in plans and None not in places.values()
    ]
    return RecordedRun(path, facts.task, facts.model, tuple(chunks), len(seen) - len(chunks))


def read_pictures(path: Path, wanted: Mapping[int, str], spec: ModelSpec) -> Iterator[tuple[int, UInt8]]:
    """(place, uint8 [H, W, 3] RGB) of each picture whose place among the messages maps to its camera.

    Raises RecordingError; ValueError, of one clause, if a picture does not fit the model.
    """
    sizes = cameras_of(spec)
    for place, _, message in _messages(path, {}):
        if place in wanted:
            camera = wanted[place]
            yield place, _picture(message.data, camera, sizes[camera], path)


def _messages(path: Path, metadata: dict[str, str]) -> Iterator[tuple[int, str, Message]]:
    """(place, topic, message) of every message; the metadata record `run` goes into `metadata`."""
    topics: dict[int, str] = {}
    place = 0
    record: McapRecord
    for record in read_records(path):
        if isinstance(record, Channel):
            topics[record.id] = record.topic
        elif isinstance(record, Metadata) and record.name == "run":
            metadata.update(record.metadata)
        elif isinstance(record, Message):
            yield place, topics.get(record.channel_id, ""), record
            place += 1


def _place(camera: str, chunk: RecordedChunk, frames: Mapping[tuple[str, int], int]) -> int | None:
    """Where the frame lies that a chunk saw: the last of its number so far, for a camera may count anew."""
    number = chunk.seen.frames.get(camera)
    return None if number is None else frames.get((camera, number % SEQUENCES))


def _all_there(places: Mapping[str, int | None]) -> dict[str, int]:
    return {camera: place for camera, place in places.items() if place is not None}


def _facts(metadata: Mapping[str, str], path: Path, spec: ModelSpec) -> RunFacts:
    try:
        facts = RunFacts.model_validate(metadata)
    except ValidationError as error:
        raise ValueError(f"{path.name} is no recording of a run: metadata {first_fault(error)}") from error
    if facts.pictures != "lossless":
        raise ValueError(f"{path.name} has pictures as {facts.pictures}, not those that the model saw; record again")
    if tuple(facts.joints.split()) != spec.action.joints:
        raise ValueError(f"{path.name} is of joints {facts.joints}, the model has {' '.join(spec.action.joints)}")
    return facts


def _inputs(
    chunk: RecordedChunk, plan: RecordedPlan, pictures: Mapping[str, int], *, seed: int, spec: ModelSpec, path: Path
) -> ChunkInputs:
    policy, joints = spec.policy, len(spec.action.joints)
    form = (chunk.step_ns, len(chunk.positions_rad), len(plan.tokens), *{len(row) for row in plan.tokens})
    wanted = (policy.step_ns, policy.chunk_steps, policy.plan_steps, joints)
    if form != wanted or len(chunk.seen.position_rad) != joints:
        names = "ns a control step, steps a chunk, steps a plan, joints"
        raise ValueError(f"{path.name} is of a policy with {list(form)} ({names}), the model has {list(wanted)}")
    tokens = np.array(plan.tokens, np.int64)[chunk.plan_age_steps :][: policy.chunk_steps]
    if len(tokens) < policy.chunk_steps:
        raise ValueError(f"{path.name} has a chunk whose plan, {chunk.plan_age_steps} steps old, ends before it does")
    noise = chunk_noise(seed, chunk.first_step, (1, policy.chunk_steps, joints))[0]
    return ChunkInputs(np.array(chunk.seen.position_rad), tokens, chunk.plan_age_steps, noise, pictures)


def _picture(data: bytes, camera: str, size: tuple[int, int], path: Path) -> UInt8:
    try:
        image = RawImage.FromString(data)
    except DecodeError as error:
        raise ValueError(f"{path.name} has a damaged picture of camera {camera!r}") from error
    height, width = size
    if (image.height, image.width) != size:
        raise ValueError(
            f"camera {camera!r} is {image.width}x{image.height} in {path.name}, the model takes {width}x{height}"
        )
    if image.encoding != "rgb8" or len(image.data) != 3 * height * width:
        raise ValueError(f"{path.name} has a picture of camera {camera!r} that is not rgb8")
    return np.frombuffer(image.data, np.uint8).reshape(height, width, 3)


def _parsed(form: type[Parsed], data: bytes, path: Path) -> Parsed:
    try:
        return form.model_validate_json(data)
    except ValidationError as error:
        raise ValueError(f"{path.name} has a message that does not parse: {first_fault(error)}") from error

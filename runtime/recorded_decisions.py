"""The plans and chunks of a recording, each with what it was made from. The format: docs/recording.md."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from pydantic import BaseModel, Field, ValidationError

from libra_edge.errors import RecordingError
from libra_edge.mcap_file import was_closed
from libra_edge.messages import Float64, Frame, Int64, JointState, Observation
from libra_edge.runtime.recording import RecordedMessage, read_messages, read_metadata
from libra_edge.runtime.recording_messages import CAMERA, CHUNK, PLAN, SEQUENCES
from libra_edge.toml_file import first_fault

FRAMES_KEPT = 90
"""A camera: three seconds at 30 Hz. What a decision was made from lies before it in the file, and not long before."""
PLANS_KEPT = 64

Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Parsed = TypeVar("Parsed", bound=BaseModel)


class RunFacts(BaseModel):
    """The metadata record `run`, as far as it decides what a policy does."""

    task: str
    model: str
    bundle_sha256: str
    seed: Count
    backend: str
    pictures: str = "lossless"


class _Seen(BaseModel):
    frames: dict[str, Count]
    position_rad: list[Finite]
    velocity_rad_s: list[Finite]
    measured_ns: Count


class _Plan(BaseModel):
    plan_id: Count
    tokens: list[list[Count]]
    seen: _Seen


class _Chunk(BaseModel):
    chunk_id: Count
    first_step: Count
    plan_id: Count
    plan_age_steps: Count
    positions_rad: list[list[Finite]]
    seen: _Seen


@dataclass(frozen=True, slots=True, eq=False)
class RecordedPlan:
    """A plan: its int64 [L_macro, D] tokens, and what the planner saw."""

    plan_id: int
    tokens: Int64
    observation: Observation


@dataclass(frozen=True, slots=True, eq=False)
class RecordedChunk:
    """A chunk: its float64 [H_chunk, D] positions in rad, and what the refiner was given.

    Attributes:
        tokens: int64 [H_chunk, D], cut out of the plan behind it.
    """

    chunk_id: int
    first_step: int
    plan_age_steps: int
    positions: Float64
    tokens: Int64
    observation: Observation


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A plan or chunk of which the file does not hold all that it was made from; `problem` is a clause."""

    what: str
    problem: str


@dataclass
class RecordedDecisions:
    """Reads one file from its beginning to its end, or to where it was cut off.

    Attributes:
        run: of the recording as a whole.
        whole: False if the recording was cut off.
        count: plans and chunks in the file.
    """

    path: Path
    run: RunFacts = field(init=False)
    whole: bool = field(init=False)
    count: int = field(init=False)
    _frames: dict[str, OrderedDict[int, Frame]] = field(init=False, default_factory=dict)
    _plans: OrderedDict[int, Int64] = field(init=False, default_factory=OrderedDict)

    def __post_init__(self) -> None:
        """Raises RecordingError."""
        metadata = read_metadata(self.path)
        self.run = _parsed(self.path, RunFacts, metadata.get("run", {}))
        self.whole = "result" in metadata and was_closed(self.path)
        self.count = sum(1 for _ in read_messages(self.path, lambda topic: topic in {PLAN, CHUNK}))

    def __iter__(self) -> Iterator[RecordedPlan | RecordedChunk | Incomplete]:
        """In the order in which they were made. Raises RecordingError for a message that cannot be one of ours."""
        wanted = {PLAN, CHUNK}
        for message in read_messages(self.path, lambda topic: topic in wanted or topic.startswith(CAMERA)):
            if message.camera is not None:
                self._keep_frame(message.camera, message)
            elif message.topic == PLAN:
                yield self._plan(_parsed(self.path, _Plan, _content(self.path, message)))
            else:
                yield self._chunk(_parsed(self.path, _Chunk, _content(self.path, message)))

    def _keep_frame(self, camera: str, message: RecordedMessage) -> None:
        try:
            image = message.picture().copy()
        except (DecodeError, ValueError) as error:
            raise RecordingError(self.path, f"holds a picture of camera {camera!r} that cannot be read") from error
        frames = self._frames.setdefault(camera, OrderedDict())
        frames[message.sequence] = Frame(camera, image, message.sequence, message.time_ns)
        if len(frames) > FRAMES_KEPT:
            frames.popitem(last=False)

    def _plan(self, plan: _Plan) -> RecordedPlan | Incomplete:
        tokens = _array(self.path, "plan", plan.plan_id, plan.tokens, np.int64)
        self._plans[plan.plan_id] = tokens
        if len(self._plans) > PLANS_KEPT:
            self._plans.popitem(last=False)
        observation = self._observation(plan.seen)
        if isinstance(observation, str):
            return Incomplete(f"plan {plan.plan_id}", observation)
        return RecordedPlan(plan.plan_id, tokens, observation)

    def _chunk(self, chunk: _Chunk) -> RecordedChunk | Incomplete:
        what, observation = f"chunk {chunk.chunk_id}", self._observation(chunk.seen)
        if isinstance(observation, str):
            return Incomplete(what, observation)
        positions = _array(self.path, "chunk", chunk.chunk_id, chunk.positions_rad, np.float64)
        plan = self._plans.get(chunk.plan_id)
        age = chunk.plan_age_steps
        if plan is None or len(plan) < age + len(positions):
            return Incomplete(what, f"plan {chunk.plan_id} is not in the file, or ends too soon")
        tokens = plan[age : age + len(positions)]
        return RecordedChunk(chunk.chunk_id, chunk.first_step, age, positions, tokens, observation)

    def _observation(self, seen: _Seen) -> Observation | str:
        """What was seen; or why it cannot be put together, as a clause."""
        frames: dict[str, Frame] = {}
        for camera, number in seen.frames.items():
            kept = self._frames.get(camera)
            frame = None if kept is None else kept.get(number % SEQUENCES)
            if frame is None:
                return f"picture {number} of camera {camera!r} is not in the file"
            frames[camera] = frame
        joints = JointState(np.array(seen.position_rad), np.array(seen.velocity_rad_s), seen.measured_ns)
        return Observation(frames, joints)


def _content(path: Path, message: RecordedMessage) -> Mapping[str, Any]:
    try:
        return message.json()
    except ValueError as error:
        raise RecordingError(path, f"holds a message of {message.topic} that is not JSON") from error


def _parsed(path: Path, kind: type[Parsed], content: Mapping[str, Any]) -> Parsed:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problem = f"cannot be replayed, it is of another version or damaged: {first_fault(error)}"
        raise RecordingError(path, problem) from error


def _array(path: Path, what: str, number: int, rows: list[list[Any]], dtype: type[Any]) -> Any:
    """[rows, D]."""
    if len({len(row) for row in rows}) != 1:
        raise RecordingError(path, f"{what} {number} has rows of different lengths")
    return np.array(rows, dtype=dtype)

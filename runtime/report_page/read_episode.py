"""Reads a recording for the page: one that was cut off or is damaged as far as it goes, with what is lost in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from mcap.records import Metadata
from pydantic import BaseModel, ValidationError

from libra_edge.errors import RecordingError
from libra_edge.runtime.recording import RecordedMessage, read_content
from libra_edge.runtime.recording_messages import CAMERA, CHUNK, COMMAND, FAULT, PLAN, SEQUENCES
from libra_edge.runtime.report_page.episode import Episode, FrameNote
from libra_edge.runtime.report_page.message_forms import (
    ChunkForm,
    CommandForm,
    FaultForm,
    PlanForm,
    RunFacts,
    RunFigures,
    RunResult,
    SeenForm,
)
from libra_edge.toml_file import first_fault

Parsed = TypeVar("Parsed", bound=BaseModel)
WANTED = (PLAN, CHUNK, COMMAND, FAULT)


@dataclass
class _Gathered:
    """What has been read so far. `last` knows each camera's latest picture of a number, for a camera may count anew."""

    path: Path
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    commands: list[CommandForm] = field(default_factory=list)
    plans: list[PlanForm] = field(default_factory=list)
    chunks: list[ChunkForm] = field(default_factory=list)
    faults: list[FaultForm] = field(default_factory=list)
    frames: dict[str, list[FrameNote]] = field(default_factory=dict)
    last: dict[tuple[str, int], int] = field(default_factory=dict)

    def take(self, content: RecordedMessage | Metadata) -> None:
        """Raises RecordingError for a message that cannot be one of ours."""
        if isinstance(content, Metadata):
            self.metadata[content.name] = dict(content.metadata)
        elif content.camera is not None:
            self._take_frame(content.camera, content)
        elif content.topic == COMMAND:
            self.commands.append(self._parsed(CommandForm, content))
        elif content.topic == PLAN:
            self.plans.append(self._parsed(PlanForm, content))
            self._mark_seen(self.plans[-1].seen, plan_id=self.plans[-1].plan_id)
        elif content.topic == CHUNK:
            self.chunks.append(self._parsed(ChunkForm, content))
            self._mark_seen(self.chunks[-1].seen, chunk_id=self.chunks[-1].chunk_id)
        else:
            self.faults.append(self._parsed(FaultForm, content))

    def _take_frame(self, camera: str, message: RecordedMessage) -> None:
        frames = self.frames.setdefault(camera, [])
        self.last[camera, message.sequence] = len(frames)
        frames.append(FrameNote(len(frames), message.time_ns, message.sequence))

    def _mark_seen(self, seen: SeenForm, **by: int) -> None:
        for camera, number in seen.frames.items():
            place = self.last.get((camera, number % SEQUENCES))
            if place is not None:
                self.frames[camera][place] = replace(self.frames[camera][place], **by)

    def _parsed(self, form: type[Parsed], message: RecordedMessage) -> Parsed:
        try:
            return form.model_validate_json(message.data)
        except ValidationError as error:
            problem = f"holds a message of {message.topic} of another version, or damaged: {first_fault(error)}"
            raise RecordingError(self.path, problem) from error


def read_episode(path: Path, read_on: Callable[[int], None] = lambda messages: None) -> Episode:
    """Read the recording at `path`; `read_on` is told how many messages more were read.

    Raises RecordingError for a file that cannot be read at all, is no recording of a run, or has no command in it.
    """
    gathered = _Gathered(path)
    damage = _read_as_far_as_it_goes(gathered, read_on)
    facts = _facts(gathered)
    if not gathered.commands:
        raise RecordingError(path, "holds no command to the arm, so there is nothing to show")
    _check_widths(path, gathered)
    result = _result(gathered)
    zero_ns = _zero_ns(result, gathered)
    return Episode(
        facts=facts,
        result=result,
        figures=_figures(result),
        zero_ns=zero_ns,
        commands=tuple(gathered.commands),
        plans=tuple(gathered.plans),
        chunks=tuple(gathered.chunks),
        faults=tuple(gathered.faults),
        frames={camera: _by_the_one_clock(facts, gathered.frames[camera]) for camera in sorted(gathered.frames)},
        lost=_loss(gathered, damage, (gathered.commands[-1].time_ns - zero_ns) / 1e9),
    )


def _read_as_far_as_it_goes(gathered: _Gathered, read_on: Callable[[int], None]) -> str | None:
    """What is wrong with the file, as a clause; None if nothing is. Raises RecordingError if that is at its head."""
    try:
        for content in read_content(gathered.path, lambda topic: topic in WANTED or topic.startswith(CAMERA)):
            gathered.take(content)
            read_on(1)
    except RecordingError as error:
        if not gathered.commands:
            raise
        return error.problem
    return None


def _facts(gathered: _Gathered) -> RunFacts:
    try:
        return RunFacts.model_validate(gathered.metadata.get("run", {}))
    except ValidationError as error:
        raise RecordingError(gathered.path, f"is no recording of a run: metadata {first_fault(error)}") from error


def _check_widths(path: Path, gathered: _Gathered) -> None:
    """Every row has a number for each joint. Raises RecordingError."""
    joints = len(gathered.commands[0].goal_rad)
    rows: Iterable[tuple[str, int]] = (
        *((COMMAND, len(row)) for command in gathered.commands for row in (command.goal_rad, command.measured_rad)),
        *((CHUNK, len(row)) for chunk in gathered.chunks for row in chunk.positions_rad),
        *((PLAN, len(row)) for plan in gathered.plans for row in plan.tokens),
    )
    for topic, width in rows:
        if width != joints:
            raise RecordingError(
                path, f"holds a message of {topic} with {width} joints, the first command has {joints}"
            )


def _result(gathered: _Gathered) -> RunResult | None:
    if "result" not in gathered.metadata:
        return None
    try:
        return RunResult.model_validate(gathered.metadata["result"])
    except ValidationError as error:
        problem = f"has a result of another version, or damaged: {first_fault(error)}"
        raise RecordingError(gathered.path, problem) from error


def _figures(result: RunResult | None) -> RunFigures:
    """Those that the run wrote down; of a version that wrote others, none."""
    try:
        return RunFigures() if result is None else RunFigures.model_validate_json(result.figures)
    except ValidationError:
        return RunFigures()


def _zero_ns(result: RunResult | None, gathered: _Gathered) -> int:
    """When control step 0 began; of a recording without a result at most a step too late, see `Policy.make_chunk`."""
    if result is not None and result.start_ns:
        return result.start_ns
    begins = [chunk.start_ns - (chunk.first_step - 1) * chunk.step_ns for chunk in gathered.chunks]
    return min(begins, default=gathered.commands[0].time_ns)


def _by_the_one_clock(facts: RunFacts, frames: list[FrameNote]) -> tuple[FrameNote, ...]:
    return tuple(replace(frame, time_ns=frame.time_ns - facts.wall_offset_ns) for frame in frames)


def _loss(gathered: _Gathered, damage: str | None, until_s: float) -> str | None:
    if damage is not None:
        return f"The file is damaged. It was read up to {until_s:.1f} s ({damage}); what came after is lost."
    if "result" not in gathered.metadata:
        return f"The recording was cut off at {until_s:.1f} s; what came after is lost."
    dropped = gathered.metadata["result"].get("dropped", "0")
    if dropped not in {"0", ""}:
        return f"{dropped} messages are missing, for which the disk was too slow when they were recorded."
    return None

"""What the picture of a run is drawn from, taken from the recording alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from libra_edge.errors import RecordingError
from libra_edge.messages import Float64, UInt8
from libra_edge.runtime.recording import RecordedMessage, read_messages, read_metadata
from libra_edge.runtime.recording_messages import CAMERA, CHUNK, COMMAND


@dataclass(frozen=True, slots=True, eq=False)
class EpisodeTraces:
    """One run, on a time axis in seconds since control step 0.

    Attributes:
        facts: metadata `run` and `result` in one.
        time_s: of each command, float64 [T].
        goal_deg, measured_deg: float64 [T, D].
        plan_age: of each command, control steps, float64 [T]; NaN while no chunk was followed.
        frame_times_s: by camera in alphabetical order, when each picture was taken.
        success_s: when the task was seen to be done, None if never or unknown.
    """

    facts: dict[str, str]
    joint_names: tuple[str, ...]
    time_s: Float64
    goal_deg: Float64
    measured_deg: Float64
    plan_age: Float64
    frame_times_s: dict[str, Float64]
    success_s: float | None


def read_traces(recording: Path) -> EpisodeTraces:
    """Raises RecordingError if it cannot be read or holds no commands."""
    metadata = read_metadata(recording)
    facts = {**metadata.get("run", {}), **metadata.get("result", {})}
    commands: list[RecordedMessage] = []
    frame_ns: dict[str, list[int]] = {}
    chunk: RecordedMessage | None = None
    for message in read_messages(recording):
        if message.topic == COMMAND:
            commands.append(message)
        elif message.camera is not None:
            frame_ns.setdefault(message.camera, []).append(message.time_ns)
        elif message.topic == CHUNK and chunk is None:
            chunk = message
    if not commands:
        raise RecordingError(recording, "holds no commands, so there is nothing to draw")
    zero_ns = _step_zero_ns(facts, chunk or commands[0])
    contents = [message.json() for message in commands]
    ages = [np.nan if content["plan_age_steps"] is None else content["plan_age_steps"] for content in contents]
    return EpisodeTraces(
        facts=facts,
        joint_names=tuple(facts.get("joints", "").split()) or tuple(map(str, range(len(contents[0]["goal_rad"])))),
        time_s=np.array([(message.time_ns - zero_ns) / 1e9 for message in commands]),
        goal_deg=np.degrees([content["goal_rad"] for content in contents]),
        measured_deg=np.degrees([content["measured_rad"] for content in contents]),
        plan_age=np.array(ages, dtype=np.float64),
        frame_times_s={name: (np.array(frame_ns[name]) - zero_ns) / 1e9 for name in sorted(frame_ns)},
        success_s=float(facts["success_s"]) if facts.get("success_s") else None,
    )


def pictures_at(recording: Path, camera: str, indices: list[int]) -> list[UInt8]:
    """The pictures with these indices among the camera's own, uint8 [H, W, 3] each. Raises RecordingError."""
    wanted = set(indices)
    found: dict[int, UInt8] = {}
    for index, message in enumerate(read_messages(recording, lambda topic: topic == CAMERA + camera)):
        if index in wanted:
            found[index] = message.picture()
    return [found[index] for index in indices]


def _step_zero_ns(facts: dict[str, str], first: RecordedMessage) -> int:
    """Wall-clock time at which control step 0 began; of a cut-off recording, the time of its `first` sign."""
    if "start_ns" in facts:
        return int(facts["start_ns"]) + int(facts["wall_offset_ns"])
    return first.time_ns

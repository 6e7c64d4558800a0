"""What a recording holds, message by message: topic, schema and bytes. Described for readers in docs/recording.md.

Pictures, joints and log lines use Foxglove's schemas, which Foxglove and Rerun draw by themselves; the rest is JSON
with a JSON schema. JSON floats are written in full, so that every number comes back bit for bit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.JointState_pb2 import JointState as JointStateMessage
from foxglove_schemas_protobuf.JointStates_pb2 import JointStates
from foxglove_schemas_protobuf.Log_pb2 import Log
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage

from libra_edge.messages import ActionChunk, Float64, Frame, JointState, Observation, Plan
from libra_edge.runtime.command import Command
from libra_edge.runtime.governor import Fence
from libra_edge.runtime.jpeg import to_jpeg

CAMERA = "/camera/"
MEASURED, GOAL = "/joints/measured", "/joints/goal"
PLAN, CHUNK, COMMAND, LOG, FAULT = "/policy/plan", "/policy/chunk", "/servo/command", "/log", "/fault"

SEQUENCES = 1 << 32
"""MCAP counts messages in 32 bits."""

NUMBER, INTEGER, STRING = {"type": "number"}, {"type": "integer"}, {"type": "string"}
DURATION = {"type": ["number", "null"], "description": "null where nobody took the time"}
ROW = {"type": "array", "items": NUMBER}
SEEN = {
    "frames": {"type": "object", "additionalProperties": INTEGER, "description": "camera -> frame number"},
    "position_rad": ROW,
    "velocity_rad_s": ROW,
    "measured_ns": INTEGER,
}


@dataclass(frozen=True, slots=True)
class JsonForm:
    """A JSON message and the schema that explains it."""

    name: str
    properties: dict[str, Any]

    @property
    def schema(self) -> bytes:
        """The JSON schema's text."""
        return json.dumps({"type": "object", "title": self.name, "properties": self.properties}).encode()


@dataclass(frozen=True, slots=True)
class Entry:
    """One message on its way to the file.

    Attributes:
        form: a Foxglove protobuf type, or a JSON form.
        time_ns: of the one clock.
        encode: wall-clock nanoseconds of the message -> its bytes; called in the recorder's thread.
        size: bytes of memory it holds on to while it waits.
        sequence: MCAP's message counter; of a picture, its frame number.
    """

    topic: str
    form: type[Any] | JsonForm
    time_ns: int
    encode: Callable[[int], bytes]
    size: int = 1000
    sequence: int = 0


PLAN_FORM = JsonForm(
    "libra_edge.Plan",
    {
        "plan_id": INTEGER,
        "first_step": INTEGER,
        "task_id": INTEGER,
        "captured_ns": INTEGER,
        "ready_ns": INTEGER,
        "planner_ms": DURATION,
        "tokens": {"type": "array", "items": {"type": "array", "items": INTEGER}},
        "seen": {"type": "object", "properties": SEEN},
    },
)
CHUNK_FORM = JsonForm(
    "libra_edge.ActionChunk",
    {
        "chunk_id": INTEGER,
        "first_step": INTEGER,
        "start_ns": INTEGER,
        "step_ns": INTEGER,
        "plan_id": INTEGER,
        "plan_age_steps": INTEGER,
        "captured_ns": INTEGER,
        "ready_ns": INTEGER,
        "refiner_ms": DURATION,
        "refine_ms": DURATION,
        "positions_rad": {"type": "array", "items": ROW},
        "seen": {"type": "object", "properties": SEEN},
    },
)
COMMAND_FORM = JsonForm(
    "libra_edge.Command",
    {
        "number": INTEGER,
        "time_ns": INTEGER,
        "state": STRING,
        "chunk_id": {"type": ["integer", "null"]},
        "plan_age_steps": {"type": ["integer", "null"]},
        "captured_ns": {"type": ["integer", "null"]},
        "fences": {"type": "array", "items": STRING, "description": "what the governor did to each joint's goal"},
        "goal_rad": ROW,
        "measured_rad": ROW,
        "current_ma": {"type": ["array", "null"], "items": {"type": ["number", "null"]}},
        "lateness_us": NUMBER,
    },
)
FAULT_FORM = JsonForm("libra_edge.Fault", {"time_s": NUMBER, "kind": STRING, "reaction": STRING})


def frame_entry(frame: Frame) -> Entry:
    """One picture, losslessly: foxglove.RawImage, rgb8."""

    def encode(wall_ns: int) -> bytes:
        height, width, _ = frame.image.shape
        message = RawImage(frame_id=frame.camera, width=width, height=height, encoding="rgb8", step=3 * width)
        message.data = frame.image.tobytes()
        return _stamped(message, wall_ns)

    sequence = frame.number % SEQUENCES
    return Entry(CAMERA + frame.camera, RawImage, frame.captured_ns, encode, frame.image.nbytes, sequence)


def jpeg_entry(frame: Frame) -> Entry:
    """One picture as JPEG: foxglove.CompressedImage."""

    def encode(wall_ns: int) -> bytes:
        return _stamped(CompressedImage(frame_id=frame.camera, format="jpeg", data=to_jpeg(frame.image)), wall_ns)

    sequence = frame.number % SEQUENCES
    return Entry(CAMERA + frame.camera, CompressedImage, frame.captured_ns, encode, frame.image.nbytes, sequence)


def plan_entry(plan: Plan, observation: Observation, planner_ms: float | None = None) -> Entry:
    """A plan, what it was made from, and how long the planner took."""
    return _json_entry(
        PLAN,
        PLAN_FORM,
        plan.ready_ns,
        lambda: {
            "plan_id": plan.plan_id,
            "first_step": plan.first_step,
            "task_id": plan.task_id,
            "captured_ns": plan.captured_ns,
            "ready_ns": plan.ready_ns,
            "planner_ms": planner_ms,
            "tokens": plan.tokens.tolist(),
            "seen": _seen(observation),
        },
    )


def chunk_entry(
    chunk: ActionChunk,
    observation: Observation,
    ready_ns: int,
    refiner_ms: float | None = None,
    refine_ms: float | None = None,
) -> Entry:
    """A chunk, when it was ready, what it was made from, and how long that took, see `RunLog`."""
    return _json_entry(
        CHUNK,
        CHUNK_FORM,
        ready_ns,
        lambda: {
            "chunk_id": chunk.chunk_id,
            "first_step": chunk.first_step,
            "start_ns": chunk.start_ns,
            "step_ns": chunk.step_ns,
            "plan_id": chunk.plan_id,
            "plan_age_steps": chunk.plan_age_steps,
            "captured_ns": chunk.captured_ns,
            "ready_ns": ready_ns,
            "refiner_ms": refiner_ms,
            "refine_ms": refine_ms,
            "positions_rad": chunk.positions.tolist(),
            "seen": _seen(observation),
        },
    )


def command_entries(command: Command, joint_names: Sequence[str]) -> tuple[Entry, Entry, Entry]:
    """A goal that was written: the whole record, and goal and measured joints once more for the viewers' plots."""
    return (
        _json_entry(COMMAND, COMMAND_FORM, command.time_ns, lambda: _command_content(command)),
        _joints_entry(GOAL, joint_names, command.goal, command.time_ns),
        _joints_entry(MEASURED, joint_names, command.measured, command.time_ns),
    )


def fault_entry(time_ns: int, time_s: float, kind: str, reaction: str) -> Entry:
    """Something that went wrong, and what was done about it."""
    return _json_entry(FAULT, FAULT_FORM, time_ns, lambda: {"time_s": time_s, "kind": kind, "reaction": reaction})


def log_entry(time_ns: int, text: str, *, warning: bool) -> Entry:
    """A line for the viewer's log panel: foxglove.Log."""

    def encode(wall_ns: int) -> bytes:
        message = Log(level=Log.WARNING if warning else Log.INFO, message=text, name="libra-edge")
        return _stamped(message, wall_ns)

    return Entry(LOG, Log, time_ns, encode)


def _joints_entry(topic: str, names: Sequence[str], positions: Float64, time_ns: int) -> Entry:
    """Joint positions, rad: foxglove.JointStates."""

    def encode(wall_ns: int) -> bytes:
        joints = [JointStateMessage(name=name, position=value) for name, value in zip(names, positions, strict=True)]
        return _stamped(JointStates(joints=joints), wall_ns)

    return Entry(topic, JointStates, time_ns, encode)


def _stamped(message: Any, wall_ns: int) -> bytes:
    message.timestamp.FromNanoseconds(wall_ns)
    data: bytes = message.SerializeToString()
    return data


def _json_entry(topic: str, form: JsonForm, time_ns: int, content: Callable[[], dict[str, Any]]) -> Entry:
    return Entry(topic, form, time_ns, lambda _wall_ns: json.dumps(content(), allow_nan=False).encode())


def _seen(observation: Observation) -> dict[str, Any]:
    joints: JointState = observation.joints
    return {
        "frames": {name: frame.number for name, frame in observation.frames.items()},
        "position_rad": joints.position.tolist(),
        "velocity_rad_s": joints.velocity.tolist(),
        "measured_ns": joints.measured_ns,
    }


def _command_content(command: Command) -> dict[str, Any]:
    return {
        "number": command.number,
        "time_ns": command.time_ns,
        "state": command.state.value,
        "chunk_id": command.chunk_id,
        "plan_age_steps": command.plan_age_steps,
        "captured_ns": command.captured_ns,
        "fences": [fence_names(int(fences)) for fences in command.verdict.fences],
        "goal_rad": command.goal.tolist(),
        "measured_rad": command.measured.tolist(),
        "current_ma": None if command.current is None else [_or_null(each) for each in command.current.tolist()],
        "lateness_us": command.lateness_ns / 1e3,
    }


def _or_null(number: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(number) else number


def fence_names(fences: int) -> str:
    """What acted on one joint's goal, such as `velocity+braking`; `passed` if nothing did."""
    return "+".join(fence.name.lower() for fence in Fence if fence & fences and fence.name) or "passed"

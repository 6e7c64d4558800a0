"""How each record looks in the memory that policy and servo process share, and how it becomes a value again.

Two files: `chunk`, which the policy process writes, and `state`, which the servo process writes; each maps the other's
read-only. Both begin with a header; numbers are little-endian; "none" is -1.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.messages import ActionChunk, JointState
from libra_edge.runtime.command import Command
from libra_edge.runtime.governor import Verdict
from libra_edge.runtime.servo_durations import BUCKETS, Durations
from libra_edge.runtime.servo_telemetry import COUNTED_FENCES, ServoTelemetry
from libra_edge.runtime.supervisor import Event, State
from libra_edge.runtime.tick_times import TickTimes

Record = NDArray[Any]
MAGIC = b"LIBRAEDG"
VERSION = 4
MAX_ROWS = 64
FAULT_BYTES = 240
NONE = -1
TICK = tuple(field.name for field in fields(TickTimes))
STATES = tuple(State)
CAUSES = (None, *Event)

HEADER_TYPE: np.dtype[Any] = np.dtype([("magic", "S8"), ("version", "<u4"), ("joints", "<u4")])
TELEMETRY_TYPE: np.dtype[Any] = np.dtype(
    [
        ("time_ns", "<i8"),
        ("state", "u1"),
        ("cause", "u1"),
        ("ticks", "<i8"),
        ("deadline_misses", "<i8"),
        ("failed_reads", "<i8"),
        ("recoveries", "<i8"),
        ("chunk_id", "<i8"),
        ("first_command_ns", "<i8"),
        ("first_captured_ns", "<i8"),
        ("chunks_accepted", "<i8"),
        ("chunks_refused", "<i8"),
        ("governed", "<i8"),
        ("fences", "<i8", (len(COUNTED_FENCES),)),
        ("lateness", "<i8", (BUCKETS,)),
        ("lateness_longest_ns", "<i8"),
        ("busy", "<i8", (BUCKETS,)),
        ("busy_longest_ns", "<i8"),
        ("trouble", f"S{FAULT_BYTES}"),
        ("fault", f"S{FAULT_BYTES}"),
    ]
)


def chunk_type(joints: int) -> np.dtype[Any]:
    """Of an action chunk with at most MAX_ROWS rows."""
    numbers = ("chunk_id", "first_step", "start_ns", "step_ns", "plan_id", "plan_age_steps", "captured_ns", "rows")
    return np.dtype([*((name, "<i8") for name in numbers), ("positions", "<f8", (MAX_ROWS, joints))])


def joints_type(joints: int) -> np.dtype[Any]:
    """Of a joint state."""
    return np.dtype([("measured_ns", "<i8"), ("position", "<f8", (joints,)), ("velocity", "<f8", (joints,))])


def command_type(joints: int) -> np.dtype[Any]:
    """Of one command in the log."""
    numbers = ("time_ns", "chunk_id", "plan_age_steps", "captured_ns", "lateness_ns", *TICK)
    arrays = [*((name, "<f8", (joints,)) for name in ("goal", "measured", "current")), ("fences", "u1", (joints,))]
    return np.dtype([*((name, "<i8") for name in numbers), ("state", "u1"), *arrays])


def encode_chunk(chunk: ActionChunk, record: Record) -> None:
    """Fill `record`. Raises ValueError for a chunk that does not fit."""
    rows, joints = chunk.positions.shape
    if not 1 <= rows <= MAX_ROWS or joints != record["positions"].shape[1]:
        raise ValueError(f"chunk {chunk.chunk_id} of shape {chunk.positions.shape} does not fit the channel")
    record["chunk_id"], record["first_step"] = chunk.chunk_id, chunk.first_step
    record["start_ns"], record["step_ns"] = chunk.start_ns, chunk.step_ns
    record["plan_id"], record["plan_age_steps"] = chunk.plan_id, chunk.plan_age_steps
    record["captured_ns"], record["rows"] = chunk.captured_ns, rows
    record["positions"][:rows] = chunk.positions


def decode_chunk(record: Record) -> ActionChunk:
    """Raises ValueError for a number of rows that cannot be."""
    rows = int(record["rows"])
    if not 1 <= rows <= MAX_ROWS:
        raise ValueError(f"a chunk of {rows} rows")
    return ActionChunk(
        chunk_id=int(record["chunk_id"]),
        positions=np.array(record["positions"][:rows]),
        first_step=int(record["first_step"]),
        start_ns=int(record["start_ns"]),
        step_ns=int(record["step_ns"]),
        plan_id=int(record["plan_id"]),
        plan_age_steps=int(record["plan_age_steps"]),
        captured_ns=int(record["captured_ns"]),
    )


def encode_joints(joints: JointState, record: Record) -> None:
    """Fill `record`."""
    record["measured_ns"], record["position"], record["velocity"] = joints.measured_ns, joints.position, joints.velocity


def decode_joints(record: Record) -> JointState:
    """The joint state again."""
    return JointState(np.array(record["position"]), np.array(record["velocity"]), int(record["measured_ns"]))


def encode_command(command: Command, record: Record) -> None:
    """Fill `record`; the number is the ring's."""
    record["time_ns"], record["lateness_ns"] = command.time_ns, command.lateness_ns
    record["chunk_id"], record["plan_age_steps"] = _or_none(command.chunk_id), _or_none(command.plan_age_steps)
    record["captured_ns"], record["state"] = _or_none(command.captured_ns), STATES.index(command.state)
    record["goal"], record["measured"] = command.goal, command.measured
    record["current"] = np.nan if command.current is None else command.current
    record["fences"] = command.verdict.fences
    for name in TICK:
        record[name] = NONE if command.tick is None else getattr(command.tick, name)


def decode_command(number: int, record: Record) -> Command:
    """The command again."""
    return Command(
        number=number,
        time_ns=int(record["time_ns"]),
        goal=np.array(record["goal"]),
        measured=np.array(record["measured"]),
        current=np.array(record["current"]),
        chunk_id=_optional(record["chunk_id"]),
        plan_age_steps=_optional(record["plan_age_steps"]),
        captured_ns=_optional(record["captured_ns"]),
        verdict=Verdict(np.array(record["fences"])),
        state=STATES[int(record["state"])],
        lateness_ns=int(record["lateness_ns"]),
        tick=None if int(record["began_ns"]) == NONE else TickTimes(*(int(record[name]) for name in TICK)),
    )


def encode_telemetry(telemetry: ServoTelemetry, record: Record) -> None:
    """Fill `record`; a fault's sentence is cut to FAULT_BYTES."""
    for name in (
        "time_ns",
        "ticks",
        "deadline_misses",
        "failed_reads",
        "recoveries",
        "chunks_accepted",
        "chunks_refused",
        "governed",
    ):
        record[name] = getattr(telemetry, name)
    for name in ("chunk_id", "first_command_ns", "first_captured_ns"):
        record[name] = _or_none(getattr(telemetry, name))
    record["state"], record["cause"] = STATES.index(telemetry.state), CAUSES.index(telemetry.cause)
    record["fences"] = [telemetry.fences.get(fence, 0) for fence in COUNTED_FENCES]
    record["lateness"], record["lateness_longest_ns"] = telemetry.lateness.counts, telemetry.lateness.longest_ns
    record["busy"], record["busy_longest_ns"] = telemetry.busy.counts, telemetry.busy.longest_ns
    record["trouble"], record["fault"] = _cut(telemetry.trouble), _cut(telemetry.fault)


def decode_telemetry(record: Record) -> ServoTelemetry:
    """The telemetry again."""
    counts = zip(COUNTED_FENCES, record["fences"].tolist(), strict=True)
    return ServoTelemetry(
        time_ns=int(record["time_ns"]),
        state=STATES[int(record["state"])],
        cause=CAUSES[int(record["cause"])],
        ticks=int(record["ticks"]),
        deadline_misses=int(record["deadline_misses"]),
        failed_reads=int(record["failed_reads"]),
        recoveries=int(record["recoveries"]),
        chunk_id=_optional(record["chunk_id"]),
        first_command_ns=_optional(record["first_command_ns"]),
        first_captured_ns=_optional(record["first_captured_ns"]),
        chunks_accepted=int(record["chunks_accepted"]),
        chunks_refused=int(record["chunks_refused"]),
        governed=int(record["governed"]),
        fences=dict(counts),
        lateness=Durations(np.array(record["lateness"]), int(record["lateness_longest_ns"])),
        busy=Durations(np.array(record["busy"]), int(record["busy_longest_ns"])),
        trouble=_text(record["trouble"]),
        fault=_text(record["fault"]),
    )


def _cut(text: str) -> bytes:
    return text.encode()[:FAULT_BYTES]


def _text(field: Any) -> str:
    return bytes(field).rstrip(b"\0").decode(errors="replace")


def _or_none(value: int | None) -> int:
    return NONE if value is None else value


def _optional(value: Any) -> int | None:
    return None if int(value) == NONE else int(value)

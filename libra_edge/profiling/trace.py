"""What a trace shows: cameras, planner, refiner, GPU streams, servo loop, and arrows from a picture to its command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from libra_edge.profiling.path import first_commands
from libra_edge.profiling.profile_log import MadeChunk, ProfileLog
from libra_edge.profiling.side_by_side import SideBySide
from libra_edge.profiling.system_calls import DEVICE, SystemCall
from libra_edge.profiling.trace_events import TraceEvents, Track
from libra_edge.runtime.command import Command

POLICY, GPU, SERVO = 1, 2, 3
LEAD_NS = 200_000_000
"""So much before control step 0 is shown as well: the first pictures."""


@dataclass(frozen=True, slots=True)
class _Rows:
    planner: Track
    refiner: Track
    streams: dict[str, Track]


def run_trace(log: ProfileLog, period_ns: int) -> dict[str, Any]:
    """The trace of a run; `period_ns` is the servo loop's."""
    from_ns = log.start_ns - LEAD_NS
    events = TraceEvents(from_ns)
    cameras = sorted({frame.camera for frame in log.frames})
    events.process(POLICY, "policy process")
    rows = {name: events.track(POLICY, number, f"camera {name}") for number, name in enumerate(cameras, start=10)}
    systems = _system_rows(events, [chunk.call for chunk in log.chunks_made])
    events.process(SERVO, "servo process")
    servo = events.track(SERVO, 1, "servo loop")
    frames = _draw_frames(events, rows, log, from_ns)
    for plan in log.plans_made:
        events.slice(systems.planner, f"plan {plan.plan_id}", plan.asked_ns, plan.ready_ns)
        _draw_call(events, systems, plan.call)
    _draw_commands(events, servo, [c for c in log.commands if c.time_ns >= from_ns], period_ns)
    _draw_chunks(events, systems, log, frames, servo)
    for fault in log.faults:
        at_ns = log.start_ns + round(fault.time_s * 1e9)
        events.instant(systems.refiner, f"fault: {fault.kind}", at_ns, {"reaction": fault.reaction})
    return events.document()


def model_trace(side: SideBySide) -> dict[str, Any]:
    """The trace of the two systems without a robot: first each alone, then both."""
    calls = [call for part in (side.alone, side.both) for call in (*part.planner, *part.refiner)]
    events = TraceEvents(min((call.began_ns for call in calls), default=0))
    events.process(POLICY, "policy process")
    systems = _system_rows(events, calls)
    for call in calls:
        _draw_call(events, systems, call)
    return events.document()


def _system_rows(events: TraceEvents, calls: Sequence[SystemCall]) -> _Rows:
    planner, refiner = events.track(POLICY, 20, "planner"), events.track(POLICY, 21, "refiner")
    streams = {}
    if any(part.name == DEVICE for call in calls for part in call.parts):
        events.process(GPU, "GPU")
        streams["planner"] = events.track(GPU, 1, "stream planner (low priority)")
        streams["refiner"] = events.track(GPU, 2, "stream refiner (high priority)")
    return _Rows(planner, refiner, streams)


def _draw_frames(
    events: TraceEvents, rows: dict[str, Track], log: ProfileLog, from_ns: int
) -> dict[tuple[str, int], tuple[Track, int]]:
    """Draw each picture; where an arrow from it begins, by camera and capture time.

    A picture taken while the last one was still on its way is drawn from that one's end on: slices may not overlap.
    """
    free_ns, starts = dict.fromkeys(rows, from_ns), {}
    for frame in log.frames:
        began_ns = max(frame.captured_ns, free_ns[frame.camera])
        if frame.shown_ns <= began_ns:
            continue
        args = {
            "capture_ms": (frame.read_ns - frame.captured_ns) / 1e6,
            "copy_ms": (frame.shown_ns - frame.read_ns) / 1e6,
        }
        events.slice(rows[frame.camera], f"picture {frame.number}", began_ns, frame.shown_ns, args)
        free_ns[frame.camera] = frame.shown_ns
        starts[(frame.camera, frame.captured_ns)] = (rows[frame.camera], began_ns)
    return starts


def _draw_call(events: TraceEvents, rows: _Rows, call: SystemCall) -> None:
    row = rows.planner if call.system == "planner" else rows.refiner
    events.slice(row, call.system, call.began_ns, call.ended_ns)
    for part in call.parts:
        events.slice(row, part.name, part.began_ns, part.ended_ns)
        if part.name == DEVICE and call.system in rows.streams:
            events.slice(rows.streams[call.system], call.system, part.began_ns, part.ended_ns)


def _draw_commands(events: TraceEvents, servo: Track, commands: Sequence[Command], period_ns: int) -> None:
    for command in commands:
        if (tick := command.tick) is None:
            continue
        fences = "" if command.verdict.passed else "governed"
        args = {"chunk": command.chunk_id, "late_us": command.lateness_ns / 1e3, "verdict": fences or "passed"}
        events.slice(servo, "tick", tick.began_ns, tick.written_ns, args)
        if tick.read_ns:
            events.slice(servo, "bus read", tick.began_ns, min(tick.began_ns + tick.read_ns, command.time_ns))
        events.slice(servo, "sample", command.time_ns, tick.sampled_ns)
        events.slice(servo, "govern", tick.sampled_ns, tick.governed_ns)
        events.slice(servo, "bus write", tick.governed_ns, tick.written_ns)
        if missed_deadline(command, period_ns):
            events.instant(servo, "deadline missed", tick.written_ns, {"late_us": command.lateness_ns / 1e3})


def missed_deadline(command: Command, period_ns: int) -> bool:
    """Whether the tick that wrote it was not done when the next one was due."""
    tick = command.tick
    return tick is not None and tick.written_ns > tick.began_ns - command.lateness_ns + period_ns


def _draw_chunks(
    events: TraceEvents, rows: _Rows, log: ProfileLog, frames: dict[tuple[str, int], tuple[Track, int]], servo: Track
) -> None:
    firsts, plans = first_commands(log.commands), {plan.plan_id: plan for plan in log.plans_made}
    for number, chunk in enumerate(log.chunks_made):
        asked_ns, sent_ns = chunk.times.asked_ns, chunk.times.sent_ns
        events.slice(rows.refiner, f"chunk {chunk.chunk_id}", asked_ns, sent_ns, {"plan": chunk.plan_id})
        _draw_call(events, rows, chunk.call)
        if chunk.late:
            events.instant(rows.refiner, "chunk late", sent_ns)
        here = (rows.refiner, asked_ns)
        start = frames.get(_oldest_frame(chunk))
        first = firsts.get(chunk.chunk_id)
        if start is not None and first is not None and first.tick is not None:
            # The tick may have begun before the chunk was there: it hears of it after the joints were read.
            events.flow("picture to command", 2 * number, [start, here, (servo, first.time_ns)])
        if (plan := plans.get(chunk.plan_id)) is not None:
            events.flow("plan to chunk", 2 * number + 1, [(rows.planner, plan.asked_ns), here])


def _oldest_frame(chunk: MadeChunk) -> tuple[str, int]:
    return next((frame for frame in chunk.frames if frame[1] == chunk.captured_ns), ("", 0))

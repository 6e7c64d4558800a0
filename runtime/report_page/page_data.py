"""What the page's scripts draw from, as plain JSON: seconds since control step 0, degrees, milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from libra_edge.model_spec import ModelSpec
from libra_edge.robot import Robot
from libra_edge.runtime.report_page.episode import Episode
from libra_edge.runtime.report_page.film import Film, FilmFrame
from libra_edge.runtime.report_page.message_forms import ChunkForm, CommandForm

MOST_COMMANDS = 6000
"""Drawn; of more every n-th, which the page says. What is counted is counted from all of them."""
PASSED = "passed"


def page_data(episode: Episode, film: Film, robot: Robot | None, breaks: Sequence[int] | None) -> dict[str, Any]:
    """Everything that moves with the cursor."""
    times = [episode.since_start(command.time_ns) for command in episode.commands]
    every = -(-len(times) // MOST_COMMANDS)
    first_of_chunk = _first_commands(episode)
    return {
        "start": min(times),
        "end": max(times),
        "success": episode.success_s,
        "breaks": [episode.since_start(time_ns) for time_ns in breaks or ()],
        "joints": _joints(episode, robot),
        "space": _action_space(episode),
        "commands": {"every": every, "of": len(times), **_commands(episode, times, every)},
        "states": [[times[at], episode.commands[at].state] for at in _changes(c.state for c in episode.commands)],
        "governed": [_governed(episode, times, joint) for joint in range(len(episode.joint_names))],
        "plans": _plans(episode),
        "chunks": [_chunk(episode, chunk, first_of_chunk.get(chunk.chunk_id)) for chunk in episode.chunks],
        "most_plan_age": episode.facts.max_plan_age_steps,
        "faults": [[fault.time_s, fault.kind, fault.reaction] for fault in episode.faults],
        "film": [_camera(episode, name, frames) for name, frames in film.cameras.items()],
    }


def _joints(episode: Episode, robot: Robot | None) -> list[dict[str, Any]]:
    ranges = [(None, None)] * len(episode.joint_names) if robot is None else _ranges_deg(robot)
    return [
        {"name": name.replace("_", " "), "low": low, "high": high}
        for name, (low, high) in zip(episode.joint_names, ranges, strict=True)
    ]


def _ranges_deg(robot: Robot) -> list[tuple[Any, Any]]:
    return [
        (round(float(np.degrees(low)), 2), round(float(np.degrees(high)), 2))
        for low, high in zip(robot.low, robot.high, strict=True)
    ]


def _action_space(episode: Episode) -> dict[str, Any] | None:
    """What a token means; None if the recording keeps no model file that this version reads."""
    try:
        spec = ModelSpec.model_validate_json(episode.facts.model_file)
    except ValidationError:
        return None
    if spec.action.joints != episode.joint_names:
        return None
    low, high = (np.degrees(end).round(3).tolist() for end in (spec.action.low, spec.action.high))
    return {"bins": spec.policy.bins, "low": low, "high": high}


def _commands(episode: Episode, times: Sequence[float], every: int) -> dict[str, Any]:
    drawn = episode.commands[::every]
    return {
        "t": list(times[::every]),
        "goal": _degrees_by_joint([command.goal_rad for command in drawn]),
        "measured": _degrees_by_joint([command.measured_rad for command in drawn]),
        "age": [command.plan_age_steps for command in drawn],
        "chunk": [command.chunk_id for command in drawn],
        "lateness": _worst([command.lateness_us for command in episode.commands], every),
    }


def _degrees_by_joint(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """[T][D] rad -> [D][T] degrees."""
    by_joint: list[list[float]] = np.degrees(rows).T.round(2).tolist()
    return by_joint


def _worst(values: Sequence[float], every: int) -> list[float]:
    return [round(max(values[at : at + every]), 1) for at in range(0, len(values), every)]


def _changes(values: Iterable[Any]) -> list[int]:
    """Where a value differs from the one before; the first does."""
    found, last = [], object()
    for place, value in enumerate(values):
        if value != last:
            found.append(place)
            last = value
    return found


def _governed(episode: Episode, times: Sequence[float], joint: int) -> list[list[Any]]:
    """[from, until, fences] of each stretch in which the governor changed a joint's goal."""
    fences = [command.fences[joint] if joint < len(command.fences) else PASSED for command in episode.commands]
    starts = _changes(fences)
    ends = [*starts[1:], len(fences) - 1]
    return [
        [times[start], times[end], fences[start]]
        for start, end in zip(starts, ends, strict=True)
        if fences[start] != PASSED
    ]


def _plans(episode: Episode) -> dict[str, Any]:
    """When each was ready and how long it took; tokens only of those that a chunk was made from."""
    used = {chunk.plan_id for chunk in episode.chunks}
    return {
        "ready": [[episode.since_start(plan.ready_ns), _ms(plan.planner_ms), plan.plan_id] for plan in episode.plans],
        "used": {
            str(plan.plan_id): {"first": plan.first_step, "tokens": plan.tokens}
            for plan in episode.plans
            if plan.plan_id in used
        },
    }


def _first_commands(episode: Episode) -> dict[int, CommandForm]:
    """Chunk -> the first command that followed it."""
    first: dict[int, CommandForm] = {}
    for command in episode.commands:
        if command.chunk_id is not None:
            first.setdefault(command.chunk_id, command)
    return first


def _chunk(episode: Episode, chunk: ChunkForm, first: CommandForm | None) -> dict[str, Any]:
    begins_ns = episode.zero_ns + chunk.first_step * chunk.step_ns
    return {
        "id": chunk.chunk_id,
        "first": chunk.first_step,
        "start": episode.since_start(chunk.start_ns),
        "step": chunk.step_ns / 1e9,
        "ready": episode.since_start(chunk.ready_ns),
        "captured": episode.since_start(chunk.captured_ns),
        "plan": chunk.plan_id,
        "age": chunk.plan_age_steps,
        "late": chunk.ready_ns > begins_ns,
        "refiner": _ms(chunk.refiner_ms),
        "refine": _ms(chunk.refine_ms),
        "used": None if first is None else episode.since_start(first.time_ns),
        "goals": np.degrees(chunk.positions_rad).round(2).tolist(),
    }


def _ms(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 2)


def _camera(episode: Episode, name: str, frames: Sequence[FilmFrame]) -> dict[str, Any]:
    return {
        "name": name,
        "frames": [
            {
                "t": episode.since_start(frame.note.time_ns),
                "number": frame.note.number,
                "chunk": frame.note.chunk_id,
                "plan": frame.note.plan_id,
                "jpeg": frame.jpeg,
            }
            for frame in frames
        ],
    }

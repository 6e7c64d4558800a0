"""The way of one action chunk, from the picture behind it to its first goal on the wire, cut into stages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from libra_edge.profiling.profile_log import MadeChunk, ProfileLog
from libra_edge.profiling.system_calls import SystemCall
from libra_edge.runtime.command import Command

PATH = ("capture", "copy", "wait", "dispatch", "refiner", "pick_up", "sample", "govern", "bus")
"""In the order in which a chunk passes them. Each is measured by itself; what lies between them is not explained."""


@dataclass(frozen=True, slots=True)
class ChunkPath:
    """One chunk on its way.

    Attributes:
        first_command: the first one that followed the chunk.
        stages_ms: by the names of PATH.
        end_to_end_ms: from the oldest picture's capture to the goal on the wire, by first and last instant alone.
    """

    chunk: MadeChunk
    first_command: Command
    stages_ms: dict[str, float]
    end_to_end_ms: float

    @property
    def unexplained_ms(self) -> float:
        """What the stages do not account for."""
        return self.end_to_end_ms - sum(self.stages_ms.values())


def chunk_paths(log: ProfileLog) -> list[ChunkPath]:
    """Of every chunk that the arm followed; one that its successor overtook has none."""
    shown = {(frame.camera, frame.captured_ns): frame for frame in log.frames}
    firsts = first_commands(log.commands)
    paths = []
    for chunk in log.chunks_made:
        command = firsts.get(chunk.chunk_id)
        seen = [shown[frame] for frame in chunk.frames if frame in shown and frame[1] == chunk.captured_ns]
        if command is None or command.tick is None or not seen:
            continue
        tick, frame = command.tick, seen[0]
        stages_ns = {
            "capture": frame.read_ns - frame.captured_ns,
            "copy": frame.shown_ns - frame.read_ns,
            "wait": chunk.times.asked_ns - frame.shown_ns,
            "dispatch": round((chunk.times.refine_ms - chunk.times.refiner_ms) * 1e6),
            "refiner": chunk.call.ended_ns - chunk.call.began_ns,
            "pick_up": command.time_ns - chunk.times.sent_ns,
            "sample": tick.sampled_ns - command.time_ns,
            "govern": tick.governed_ns - tick.sampled_ns,
            "bus": tick.written_ns - tick.governed_ns,
        }
        stages_ms = {name: time_ns / 1e6 for name, time_ns in stages_ns.items()}
        paths.append(ChunkPath(chunk, command, stages_ms, (tick.written_ns - chunk.captured_ns) / 1e6))
    return paths


def first_commands(commands: Iterable[Command]) -> dict[int, Command]:
    """By chunk id, the first command that followed it."""
    firsts: dict[int, Command] = {}
    for command in commands:
        if command.chunk_id is not None:
            firsts.setdefault(command.chunk_id, command)
    return firsts


def parts_of(call: SystemCall) -> dict[str, float]:
    """What a call consists of, ms: each engine by its name (its runs added up), and the CPU's work around them."""
    parts: dict[str, float] = {}
    for span in call.parts:
        parts[span.name] = parts.get(span.name, 0.0) + span.ms
    return {**parts, "host": call.ms - sum(parts.values())}


def all_parts(calls: Sequence[SystemCall]) -> dict[str, list[float]]:
    """By part, its time in every call, ms."""
    found: dict[str, list[float]] = {}
    for call in calls:
        for name, time_ms in parts_of(call).items():
            found.setdefault(name, []).append(time_ms)
    return found

"""Every stage with its quantiles: on a chunk's way, beside it, inside the two systems; alone and beside the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from libra_edge.profiling.figures import Figures, figures_of
from libra_edge.profiling.path import PATH, ChunkPath, all_parts
from libra_edge.profiling.profile_log import ProfileLog
from libra_edge.profiling.side_by_side import SideBySide
from libra_edge.profiling.system_calls import SystemCall

END_TO_END = "end_to_end"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        figures: as the run had it; without a run, with both systems at work side by side.
        on_path: it is one of those that add up to the end-to-end time of a chunk.
        part_of: the stage that it lies within, None for one that lies in no other.
        alone, beside: of a system: back to back with nothing else at work, and with the other system at work as well.
    """

    name: str
    figures: Figures
    on_path: bool = False
    part_of: str | None = None
    alone: Figures | None = None
    beside: Figures | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """Whether the stages explain the whole.

    Attributes:
        end_to_end_ms: mean, from first and last instant of each chunk.
        stages_ms: the means of the stages on the path, added up.
        difference_percent: of the two, in percent of the first.
        worst_percent: of a single chunk.
        chunks: how many were followed.
    """

    end_to_end_ms: float
    stages_ms: float
    difference_percent: float
    worst_percent: float
    chunks: int


def run_stages(log: ProfileLog, paths: Sequence[ChunkPath], side: SideBySide) -> list[Stage]:
    """In the order of a chunk's way; what was never measured is left out."""
    stages: list[Stage] = []
    for name in PATH:
        if (figures := figures_of(path.stages_ms[name] for path in paths)) is not None:
            pair = _pair(side, name)
            stages.append(Stage(name, figures, on_path=True, alone=pair[0], beside=pair[1]))
        if name == "wait":
            stages += _planning(log, side)
        if name == "refiner":
            stages += _parts("refiner", [chunk.call for chunk in log.chunks_made])
    ticks = (command.tick for command in log.commands if command.chunk_id is not None)
    stages += _named("bus_read", (tick.read_ns / 1e6 for tick in ticks if tick is not None))
    stages += _named(END_TO_END, (path.end_to_end_ms for path in paths))
    return stages


def model_stages(side: SideBySide) -> list[Stage]:
    """Of the two systems without a robot."""
    stages: list[Stage] = []
    for system in ("planner", "refiner"):
        alone, beside = _pair(side, system)
        if beside is not None:
            stages += [Stage(system, beside, alone=alone, beside=beside), *_parts(system, side.both.of(system))]
    return stages


def sums_of(paths: Sequence[ChunkPath]) -> Sums | None:
    """None where no chunk was followed."""
    if not paths:
        return None
    whole = sum(path.end_to_end_ms for path in paths) / len(paths)
    parts = sum(sum(path.stages_ms[name] for path in paths) / len(paths) for name in PATH)
    worst = max(abs(path.unexplained_ms) / path.end_to_end_ms for path in paths)
    return Sums(round(whole, 4), round(parts, 4), _percent(abs(whole - parts) / whole), _percent(worst), len(paths))


def part_figures(system: str, calls: Sequence[SystemCall]) -> list[tuple[str, Figures]]:
    """The stages within a system, by the names that they are shown with: all denoising steps of a chunk are one."""
    found = ((name, figures_of(times)) for name, times in all_parts(calls).items())
    return [(_part(system, name), figures) for name, figures in found if figures is not None]


def by_name(stages: Sequence[Stage]) -> Mapping[str, Stage]:
    """Names are unique."""
    return {stage.name: stage for stage in stages}


def _planning(log: ProfileLog, side: SideBySide) -> list[Stage]:
    """The planner, and how long its plans lay in the intent buffer before a chunk was begun with them."""
    alone, beside = _pair(side, "planner")
    planner = _named("planner", (plan.call.ms for plan in log.plans_made), alone, beside)
    ready_ns = {plan.plan_id: plan.ready_ns for plan in log.plans_made}
    waited = ((c.times.asked_ns - ready_ns[c.plan_id]) / 1e6 for c in log.chunks_made if c.plan_id in ready_ns)
    return [*planner, *_parts("planner", [plan.call for plan in log.plans_made]), *_named("intent", waited)]


def _parts(system: str, calls: Sequence[SystemCall]) -> list[Stage]:
    return [Stage(name, figures, part_of=system) for name, figures in part_figures(system, calls)]


def _part(system: str, name: str) -> str:
    """`refiner_encoder`, `planner_engine`: begins with its system, and is not the same."""
    return f"{system}_engine" if name == system else f"{system}_{name.removeprefix(f'{system}_')}"


def _named(
    name: str, times_ms: Iterable[float], alone: Figures | None = None, beside: Figures | None = None
) -> list[Stage]:
    figures = figures_of(times_ms)
    return [] if figures is None else [Stage(name, figures, alone=alone, beside=beside)]


def _pair(side: SideBySide, system: str) -> tuple[Figures | None, Figures | None]:
    if system not in ("planner", "refiner"):
        return None, None
    return figures_of(c.ms for c in side.alone.of(system)), figures_of(c.ms for c in side.both.of(system))


def _percent(share: float) -> float:
    return round(100.0 * share, 3)

"""From what was measured to `profile.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from libra_edge.errors import RuntimeFault
from libra_edge.profiling.document import ClockEntry, CountsEntry, HeadlineEntry, ProfileDocument, WarmUpEntry
from libra_edge.profiling.headline import ended_early, headline
from libra_edge.profiling.layer_entries import MeasuredLayers, layer_fields
from libra_edge.profiling.layer_headline import layer_headline, not_timed
from libra_edge.profiling.machine_watch import MachineWatch
from libra_edge.profiling.memory import Memory
from libra_edge.profiling.path import ChunkPath, chunk_paths
from libra_edge.profiling.power_rails import total_watts
from libra_edge.profiling.profile_log import ProfileLog
from libra_edge.profiling.side_by_side import Calls, SideBySide
from libra_edge.profiling.stages import Stage, model_stages, run_stages, sums_of
from libra_edge.profiling.trace import missed_deadline


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that was measured.

    Attributes:
        facts: what was profiled and where: the fields of ProfileDocument that are words.
        log: of the run; None without a robot.
        period_ns: of the servo loop.
        fault: what ended the run before its time.
        layers: None where they were not timed; why is a clause.
    """

    facts: Mapping[str, Any]
    load_s: float
    side: SideBySide
    machine: MachineWatch
    memory: Memory
    clocks: Sequence[ClockEntry]
    log: ProfileLog | None = None
    period_ns: int = 0
    fault: RuntimeFault | None = None
    layers: MeasuredLayers | None = None
    why_no_layers: str | None = None


def build_document(measured: Measured) -> ProfileDocument:
    """Figures and sentences; where trace and page lie is added by whoever writes them."""
    log, machine = measured.log, measured.machine
    paths = [] if log is None else chunk_paths(log)
    stages = run_stages(log, paths, measured.side) if log is not None and paths else model_stages(measured.side)
    sums, counts = sums_of(paths), None if log is None else _counts(log, paths, measured.period_ns)
    power = _power(measured)
    lines = headline(
        stages, sums, counts, clocks=measured.clocks, throttled=machine.throttled, power_w=power["power_w"]
    )
    layers = layer_fields(measured.layers, measured.side.alone)
    fields = {
        **measured.facts,
        "headline": [*ended_early(measured.fault), *lines, *_of_layers(measured, layers)],
        "warm_up": _warm_up(measured.load_s, measured.side.warm_up),
        "stages": {stage.name: _stage(stage) for stage in stages},
        "sums": None if sums is None else asdict(sums),
        "counts": counts,
        **layers,
        "memory_mb": asdict(measured.memory),
        **power,
        "temperature_c": machine.hottest_c or None,
        "throttled": None if machine.throttled is None else tuple(machine.throttled),
        "clocks": tuple(measured.clocks),
    }
    return ProfileDocument.model_validate(fields)


def _of_layers(measured: Measured, fields: Mapping[str, Any]) -> list[HeadlineEntry]:
    if measured.layers is None:
        return [not_timed(measured.why_no_layers)] if measured.why_no_layers else []
    return layer_headline(fields["layer_sums"], fields["roofline"], fields["predictions"])


def _power(measured: Measured) -> dict[str, Any]:
    """Means over the run (without a robot: while both systems were at work), all None where nothing was measured.

    Energy a chunk, J: the whole module's draw, its idle share with it, over the chunks that came of it.
    """
    if measured.log is None:
        calls = measured.side.both.refiner
        from_ns, until_ns, chunks = calls[0].began_ns, calls[-1].ended_ns, len(calls)
    else:
        log = measured.log
        from_ns, until_ns, chunks = log.start_ns, log.end_ns or log.start_ns, log.chunks
    rails = measured.machine.rails_w(from_ns, until_ns)
    total = None if rails is None else total_watts(rails)
    energy = None if total is None or not chunks else total * (until_ns - from_ns) / 1e9 / chunks
    return {"power_w": total, "power_rails_w": rails, "energy_per_chunk_j": energy}


def _counts(log: ProfileLog, paths: Sequence[ChunkPath], period_ns: int) -> CountsEntry:
    ticks = [command for command in log.commands if command.time_ns >= log.start_ns and command.tick is not None]
    return CountsEntry(
        plans=log.plans,
        chunks=log.chunks,
        chunks_followed=len(paths),
        late_chunks=log.late_chunks,
        ticks=len(ticks),
        deadline_misses=sum(missed_deadline(command, period_ns) for command in ticks),
        faults=len(log.faults),
    )


def _warm_up(load_s: float, calls: Calls) -> WarmUpEntry:
    planner_ms, refiner_ms = ((some[0].ms if some else None) for some in (calls.planner, calls.refiner))
    return WarmUpEntry(load_s=round(load_s, 3), planner_ms=planner_ms, refiner_ms=refiner_ms)


def _stage(stage: Stage) -> dict[str, Any]:
    pair = {
        name: None if figures is None else asdict(figures)
        for name, figures in (("alone", stage.alone), ("beside", stage.beside))
    }
    return {**asdict(stage.figures), "on_path": stage.on_path, "part_of": stage.part_of, **pair}

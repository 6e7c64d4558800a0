"""A run's log that also keeps the single values behind its distributions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from libra_edge.messages import ActionChunk, Observation, Plan
from libra_edge.runtime.command import Command
from libra_edge.runtime.run_log import RunLog


@dataclass(frozen=True)
class PlanTrace:
    """A plan: how long the planner took (ms), when its pictures were taken and when it was there (ns)."""

    planner_ms: float
    captured_ns: int
    ready_ns: int


@dataclass(frozen=True)
class ChunkTrace:
    """A chunk: when it was sent (ns), and how long it took (ms) in the refiner and from the observation in hand."""

    chunk: ActionChunk
    sent_ns: int
    refiner_ms: float
    refine_ms: float


@dataclass
class ListeningLog(RunLog):
    """Used like a RunLog; `listeners` are called with every command. Its size does not grow with the run."""

    listeners: list[Callable[[Command], None]] = field(default_factory=list)

    def command(self, command: Command) -> None:
        super().command(command)
        for listener in self.listeners:
            listener(command)


@dataclass
class TraceLog(ListeningLog):
    """Keeps plans and chunks as well.

    Attributes:
        plan_traces: by plan id.
        first_commands_ns: by chunk id, when the first goal of that chunk was written.
    """

    plan_traces: dict[int, PlanTrace] = field(default_factory=dict)
    chunk_traces: list[ChunkTrace] = field(default_factory=list)
    first_commands_ns: dict[int, int] = field(default_factory=dict)

    def plan(self, plan: Plan, observation: Observation, planner_ms: float) -> None:
        super().plan(plan, observation, planner_ms)
        self.plan_traces[plan.plan_id] = PlanTrace(planner_ms, plan.captured_ns, plan.ready_ns)

    def chunk(self, chunk: ActionChunk, observation: Observation, refiner_ms: float, refine_ms: float) -> None:
        super().chunk(chunk, observation, refiner_ms, refine_ms)
        self.chunk_traces.append(ChunkTrace(chunk, self.clock.now_ns(), refiner_ms, refine_ms))

    def command(self, command: Command) -> None:
        super().command(command)
        if command.chunk_id is not None:
            self.first_commands_ns.setdefault(command.chunk_id, command.time_ns)

"""A run's log that also keeps the single values behind its distributions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from libra_edge.messages import ActionChunk, Observation, Plan
from libra_edge.runtime.command import Command
from libra_edge.runtime.run_log import RefineTimes, RunLog


@dataclass(frozen=True)
class PlanTrace:
    """A plan: how long the planner took (ms), when its pictures were taken and when it was there (ns)."""

    planner_ms: float
    captured_ns: int
    ready_ns: int


@dataclass(frozen=True)
class ChunkTrace:
    """A chunk, and when it was made."""

    chunk: ActionChunk
    times: RefineTimes


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

    def chunk(self, chunk: ActionChunk, observation: Observation, times: RefineTimes) -> None:
        super().chunk(chunk, observation, times)
        self.chunk_traces.append(ChunkTrace(chunk, times))

    def command(self, command: Command) -> None:
        super().command(command)
        if command.chunk_id is not None:
            self.first_commands_ns.setdefault(command.chunk_id, command.time_ns)

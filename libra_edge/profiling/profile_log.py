"""A run's log that also keeps when each thing happened: what the stages and the trace are made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from libra_edge.messages import ActionChunk, Frame, Observation, Plan
from libra_edge.profiling.system_calls import SystemCall, SystemCalls
from libra_edge.runtime.command import Command
from libra_edge.runtime.run_log import RefineTimes, RunLog


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A picture: when it was taken, was in this process, and was shown to the policy (ns)."""

    camera: str
    number: int
    captured_ns: int
    read_ns: int
    shown_ns: int


@dataclass(frozen=True, slots=True)
class MadePlan:
    """A plan and the call that made it; `asked_ns` is when the planner's stream began it."""

    plan_id: int
    asked_ns: int
    ready_ns: int
    captured_ns: int
    call: SystemCall


@dataclass(frozen=True, slots=True)
class MadeChunk:
    """A chunk and the call that made it.

    Attributes:
        times: as the refiner's stream measured them.
        late: it was sent after its first control step had begun.
        frames: what the refiner looked at, (camera, capture time in ns) each.
    """

    chunk_id: int
    plan_id: int
    captured_ns: int
    times: RefineTimes
    late: bool
    frames: tuple[tuple[str, int], ...]
    call: SystemCall


@dataclass
class ProfileLog(RunLog):
    """Used like a RunLog, and grows with the run: about 2 MB a minute.

    Attributes:
        calls: of the systems that this run calls; theirs are the times inside a plan and a chunk.
        read_ns: filled by the cameras, see `TimedCamera`.
    """

    calls: SystemCalls = field(default_factory=SystemCalls)
    read_ns: dict[tuple[str, int], int] = field(default_factory=dict)
    frames: list[ShownFrame] = field(default_factory=list)
    plans_made: list[MadePlan] = field(default_factory=list)
    chunks_made: list[MadeChunk] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    def frame(self, frame: Frame) -> None:
        """See `RunLog.frame`."""
        shown_ns = self.clock.now_ns()
        read_ns = self.read_ns.get((frame.camera, frame.captured_ns), shown_ns)
        self.frames.append(ShownFrame(frame.camera, frame.number, frame.captured_ns, read_ns, shown_ns))
        super().frame(frame)

    def plan(self, plan: Plan, observation: Observation, planner_ms: float) -> None:
        """See `RunLog.plan`."""
        call = self.calls.calls["planner"][-1]
        asked_ns = plan.ready_ns - round(planner_ms * 1e6)
        self.plans_made.append(MadePlan(plan.plan_id, asked_ns, plan.ready_ns, plan.captured_ns, call))
        super().plan(plan, observation, planner_ms)

    def chunk(self, chunk: ActionChunk, observation: Observation, times: RefineTimes) -> None:
        """See `RunLog.chunk`."""
        made = MadeChunk(
            chunk.chunk_id,
            chunk.plan_id,
            chunk.captured_ns,
            times,
            self.is_late(chunk, times.sent_ns),
            tuple((name, frame.captured_ns) for name, frame in observation.frames.items()),
            self.calls.calls["refiner"][-1],
        )
        self.chunks_made.append(made)
        super().chunk(chunk, observation, times)

    def command(self, command: Command) -> None:
        """See `RunLog.command`."""
        self.commands.append(command)
        super().command(command)

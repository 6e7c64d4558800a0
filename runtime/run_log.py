"""What a run has to tell: latencies, plan ages, faults. It all goes to recorder and view too, where there are any."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from libra_edge.messages import ActionChunk, Frame, Observation, Plan
from libra_edge.protocols import Clock
from libra_edge.runtime.command import Command
from libra_edge.runtime.entry_sink import EntrySink
from libra_edge.runtime.latency import Distribution
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.recording_messages import (
    Entry,
    chunk_entry,
    command_entries,
    fault_entry,
    frame_entry,
    log_entry,
    plan_entry,
)

logger = logging.getLogger(__name__)

MOST_FAULTS = 1000
"""Kept for the summary; later ones are in the recording and on the terminal only."""


@dataclass(frozen=True, slots=True)
class FaultReport:
    """Something that went wrong `time_s` seconds into the run, and what was done about it."""

    time_s: float
    kind: str
    reaction: str


@dataclass(frozen=True, slots=True)
class RefineTimes:
    """When a chunk was made (ns of the run's clock).

    Attributes:
        asked_ns, sent_ns: the observation was in hand; the chunk was on its way to the servo process.
        refiner_ms: of the time between the two, that in the refiner's thread.
    """

    asked_ns: int
    sent_ns: int
    refiner_ms: float

    @property
    def refine_ms(self) -> float:
        """From the observation in hand to the chunk on its way."""
        return (self.sent_ns - self.asked_ns) / 1e6


@dataclass(slots=True)
class RunLog:
    """Counters of one run; used on the event loop.

    Attributes:
        planner_ms, refiner_ms: inside the two systems.
        refine_ms: from the observation in hand to the chunk on its way.
        capture_to_command_ms: from a picture to the first command that it led to.
        plan_ages: age of the plan at each chunk's start, control steps.
        late_chunks: chunks that were ready only after their first control step had begun.
        sinks: take every message, and never keep the event loop waiting.
        picture_entry: how pictures are recorded.
        holding: why no chunk is being made at present, None while all is well.
        start_ns, end_ns: when control step 0 began, and when the run was found to have ended.
    """

    clock: Clock
    joint_names: Sequence[str]
    limits: LimitCheck
    sinks: tuple[EntrySink, ...] = ()
    picture_entry: Callable[[Frame], Entry] = frame_entry
    start_ns: int = 0
    end_ns: int | None = None
    planner_ms: Distribution = field(default_factory=Distribution)
    refiner_ms: Distribution = field(default_factory=Distribution)
    refine_ms: Distribution = field(default_factory=Distribution)
    capture_to_command_ms: Distribution = field(default_factory=Distribution)
    plan_ages: list[int] = field(default_factory=list)
    faults: list[FaultReport] = field(default_factory=list)
    plans: int = 0
    chunks: int = 0
    late_chunks: int = 0
    holding: str | None = None
    _commanded_chunk: int | None = None

    @property
    def seconds(self) -> float:
        """From the first control step until now, or until the run's end."""
        until_ns = self.clock.now_ns() if self.end_ns is None else self.end_ns
        return (until_ns - self.start_ns) / 1e9

    def finish(self) -> None:
        """The run has ended; what follows is tidying up."""
        self.end_ns = self.clock.now_ns()

    def frame(self, frame: Frame) -> None:
        """A camera has shown a new picture."""
        self._record(self.picture_entry(frame))

    def plan(self, plan: Plan, observation: Observation, planner_ms: float) -> None:
        """The planner has made a plan."""
        self.plans += 1
        self.planner_ms.add(planner_ms)
        self._record(plan_entry(plan, observation, planner_ms))

    def chunk(self, chunk: ActionChunk, observation: Observation, times: RefineTimes) -> None:
        """A chunk is on its way to the servo process."""
        self.chunks += 1
        self.late_chunks += self.is_late(chunk, times.sent_ns)
        self.plan_ages.append(chunk.plan_age_steps)
        self.refiner_ms.add(times.refiner_ms)
        self.refine_ms.add(times.refine_ms)
        self._record(chunk_entry(chunk, observation, times.sent_ns, times.refiner_ms, times.refine_ms))

    def is_late(self, chunk: ActionChunk, sent_ns: int) -> bool:
        """Whether its first control step had begun when it was sent."""
        return sent_ns > self.start_ns + chunk.first_step * chunk.step_ns

    def command(self, command: Command) -> None:
        """The servo process has written a goal."""
        if (
            command.chunk_id is not None
            and command.captured_ns is not None
            and command.chunk_id != self._commanded_chunk
        ):
            self._commanded_chunk = command.chunk_id
            self.capture_to_command_ms.add((command.time_ns - command.captured_ns) / 1e6)
        self.limits.check(command)
        for entry in command_entries(command, self.joint_names):
            self._record(entry)

    def hold(self, reason: str) -> None:
        """No chunk can be made: the arm holds. Said once, until `resume`."""
        if self.holding is None:
            self.fault(reason, "hold")
        self.holding = reason

    def resume(self) -> None:
        """Chunks are made again."""
        if self.holding is not None:
            self.note("moving again")
        self.holding = None

    def fault(self, kind: str, reaction: str) -> None:
        """Something went wrong."""
        report = FaultReport(round(self.seconds, 3), kind, reaction)
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(report)
        logger.warning("%s: %s", kind, reaction)
        self._record(fault_entry(self.clock.now_ns(), report.time_s, kind, reaction))
        self._record(log_entry(self.clock.now_ns(), f"{kind}: {reaction}", warning=True))

    def note(self, text: str) -> None:
        """Something worth knowing."""
        logger.info("%s", text)
        self._record(log_entry(self.clock.now_ns(), text, warning=False))

    def _record(self, entry: Entry) -> None:
        for sink in self.sinks:
            sink.put(entry)

"""The servo loop's running counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from libra_edge.runtime.command import Command
from libra_edge.runtime.governor import Fence
from libra_edge.runtime.servo_durations import Durations
from libra_edge.runtime.servo_telemetry import COUNTED_FENCES, ServoTelemetry
from libra_edge.runtime.supervisor import Event, State


@dataclass(slots=True)
class ServoCounts:
    """Filled in as the loop runs; the fields are those of ServoTelemetry. `chunks_scribbled` did not check."""

    ticks: int = 0
    failed_reads: int = 0
    recoveries: int = 0
    trouble: str = ""
    chunk_id: int | None = None
    first_command_ns: int | None = None
    first_captured_ns: int | None = None
    chunks_accepted: int = 0
    chunks_refused: int = 0
    chunks_scribbled: int = 0
    governed: int = 0
    fences: dict[Fence, int] = field(default_factory=lambda: dict.fromkeys(COUNTED_FENCES, 0))
    lateness: Durations = field(default_factory=Durations)
    busy: Durations = field(default_factory=Durations)

    def add(self, command: Command) -> None:
        """Count a command that was written."""
        if command.chunk_id is None:
            self.chunk_id = None
        elif command.chunk_id != self.chunk_id:
            self.chunk_id, self.first_command_ns = command.chunk_id, command.time_ns
            self.first_captured_ns = command.captured_ns
        if not command.verdict.passed:
            self.governed += 1
            for fence in COUNTED_FENCES:
                self.fences[fence] += command.verdict.acted(fence)

    def telemetry(
        self, time_ns: int, state: State, cause: Event | None, deadline_misses: int, fault: str
    ) -> ServoTelemetry:
        """The counts as they stand."""
        return ServoTelemetry(
            time_ns=time_ns,
            state=state,
            cause=cause,
            ticks=self.ticks,
            deadline_misses=deadline_misses,
            failed_reads=self.failed_reads,
            recoveries=self.recoveries,
            trouble=self.trouble,
            chunk_id=self.chunk_id,
            first_command_ns=self.first_command_ns,
            first_captured_ns=self.first_captured_ns,
            chunks_accepted=self.chunks_accepted,
            chunks_refused=self.chunks_refused + self.chunks_scribbled,
            governed=self.governed,
            fences=self.fences,
            lateness=self.lateness,
            busy=self.busy,
            fault=fault,
        )

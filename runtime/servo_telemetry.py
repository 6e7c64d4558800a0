"""What the servo process says about itself, once a tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from libra_edge.runtime.governor import Fence
from libra_edge.runtime.servo_durations import Durations
from libra_edge.runtime.supervisor import Event, State

COUNTED_FENCES = tuple(fence for fence in Fence if fence is not Fence.NONE)


@dataclass(frozen=True, slots=True, eq=False)
class ServoTelemetry:
    """The servo loop at `time_ns`; all counts run from the start of the process.

    Attributes:
        cause: the event that led to `state`; None at the start.
        ticks: rounds of the loop so far.
        deadline_misses: ticks that were not done when the next one was due.
        failed_reads: sync reads without a usable answer.
        recoveries: how often the arm was lost and looked for; `trouble` says in one sentence why, the last time.
        chunk_id: the chunk in use, None while none is followed.
        first_command_ns, first_captured_ns: when the first command of that chunk was written, and the capture time of
            the pictures behind it.
        chunks_accepted, chunks_refused: refused are chunks that came too late, or do not check.
        governed: commands that the governor changed, and how often each fence did, by `Fence`.
        lateness: how late ticks began.
        busy: how long ticks took, without the time on the wire.
        fault: one sentence once something broke, else "".
    """

    time_ns: int
    state: State
    cause: Event | None = None
    ticks: int = 0
    deadline_misses: int = 0
    failed_reads: int = 0
    recoveries: int = 0
    trouble: str = ""
    chunk_id: int | None = None
    first_command_ns: int | None = None
    first_captured_ns: int | None = None
    chunks_accepted: int = 0
    chunks_refused: int = 0
    governed: int = 0
    fences: Mapping[Fence, int] = field(default_factory=dict)
    lateness: Durations = field(default_factory=Durations)
    busy: Durations = field(default_factory=Durations)
    fault: str = ""


def ticks_per_second(first: ServoTelemetry | None, last: ServoTelemetry | None) -> float | None:
    """The rate of the servo loop between two telemetries, Hz; None where there was no time between them."""
    if first is None or last is None or last.time_ns <= first.time_ns:
        return None
    return round((last.ticks - first.ticks) / (last.time_ns - first.time_ns) * 1e9, 2)

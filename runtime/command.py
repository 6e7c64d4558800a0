"""One goal that was written to the arm, and everything it was based on."""

from __future__ import annotations

from dataclasses import dataclass

from libra_edge.messages import Float64
from libra_edge.runtime.governor import Verdict
from libra_edge.runtime.supervisor import State
from libra_edge.runtime.tick_times import TickTimes


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """Written at `time_ns`: `goal` float64 [D] rad, while the joints were measured at `measured` float64 [D] rad.

    Attributes:
        number: counts the writes of a servo process from 0; a gap means that some were lost on the way here.
        chunk_id, plan_age_steps, captured_ns: of the chunk behind it; None while no chunk was followed.
        verdict: what the governor did to the request.
        state: of the supervisor.
        lateness_ns: how late the tick began.
        current: float64 [D] mA, as in JointState.
        tick: when the parts of the round that wrote it were done; None where nobody knows.
    """

    number: int
    time_ns: int
    goal: Float64
    measured: Float64
    chunk_id: int | None
    plan_age_steps: int | None
    captured_ns: int | None
    verdict: Verdict
    state: State
    lateness_ns: int
    current: Float64 | None = None
    tick: TickTimes | None = None

    def __post_init__(self) -> None:
        self.goal.setflags(write=False)
        self.measured.setflags(write=False)
        if self.current is not None:
            self.current.setflags(write=False)

"""How far behind the world the policy was in a real-time run, in the terms of lock-step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.real_time.trace_log import ChunkTrace, PlanTrace


@dataclass(frozen=True)
class Delays:
    """Of one run, medians over its chunks, the first one left out: it rests on the first plan, made from a standstill.

    Attributes:
        chunk_picture_ns: from the picture behind a chunk to the chunk's first command.
        plan_picture_ns: from the picture behind its plan to the same command.
        plan_age_steps: age of the plan as the runtime counts it.
    """

    chunk_picture_ns: int
    plan_picture_ns: int
    plan_age_steps: int

    def as_lockstep(self, step_ns: int, tick_ns: int) -> dict[str, int]:
        """Arguments for `run_episode`: pictures in whole servo ticks, at most a step old; plans in steps and a rest.

        A plan is begun at the beginning of a step and used at that of the next one at the earliest. Its pictures are a
        tick old at least if they are from the step before, as the plan's age says.
        """
        plan_ns = _whole(self.plan_picture_ns, tick_ns)
        steps = max(1, plan_ns // step_ns)
        least_ns = tick_ns if self.plan_age_steps > steps else 0
        return {
            "plan_delay_steps": steps,
            "plan_every_steps": steps,
            "plan_picture_age_ns": max(least_ns, plan_ns - steps * step_ns),
            "chunk_picture_age_ns": min(_whole(self.chunk_picture_ns, tick_ns), step_ns),
        }


def measured_delays(
    plans: Mapping[int, PlanTrace], chunks: Sequence[ChunkTrace], first_commands_ns: Mapping[int, int]
) -> Delays | None:
    """None if no chunk but the first was ever followed."""
    followed = [(trace.chunk, first_commands_ns.get(trace.chunk.chunk_id)) for trace in chunks[1:]]
    used = [(chunk, at_ns) for chunk, at_ns in followed if at_ns is not None and chunk.plan_id in plans]
    if not used:
        return None
    return Delays(
        chunk_picture_ns=int(np.median([at_ns - chunk.captured_ns for chunk, at_ns in used])),
        plan_picture_ns=int(np.median([at_ns - plans[chunk.plan_id].captured_ns for chunk, at_ns in used])),
        plan_age_steps=int(np.median([chunk.plan_age_steps for chunk, _ in used])),
    )


def _whole(time_ns: int, tick_ns: int) -> int:
    return round(time_ns / tick_ns) * tick_ns

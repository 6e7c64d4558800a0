"""When to plan: the three ways in which planner and refiner can share their time."""

from __future__ import annotations

from enum import Enum

from libra_edge.messages import Int64, Plan
from libra_edge.runtime.intent_buffer import IntentBuffer


class Mode(str, Enum):
    """How plans come about.

    ASYNC: the planner runs beside the refiner, and the newest plan is used while it ages.
    SERIAL: a plan is made when the last one is used up, and the arm waits for it: the paper's amortised schedule.
    SYNC: a plan is made for every chunk, and the arm waits for it: the oracle.

    A plan that the arm has waited for begins with the chunk that it was made for: none of its tokens is lost, and in
    serial mode each serves M chunks, however long planning takes.
    """

    ASYNC = "async"
    SERIAL = "serial"
    SYNC = "sync"


def usable_tokens(mode: Mode, buffer: IntentBuffer, due_step: int, step: int) -> tuple[Plan, Int64] | None:
    """The plan and tokens for a chunk that fell due at `due_step` and would now start at `step`; None: wait for a plan.

    In sync mode a plan from before `due_step` does not count, however fresh it is.
    """
    found = buffer.tokens_for(step)
    if found is not None and mode is Mode.SYNC and found[0].first_step < due_step:
        return None
    return found

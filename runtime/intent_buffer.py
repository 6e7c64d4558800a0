"""The intent buffer: the newest plan, indexed by absolute control step.

Libra-VLA (arXiv 2604.24921) has a first-in-first-out queue here, between two systems of which one works at a time.
Ours work at once, so a plan arrives d steps late; by then its first d tokens speak of the past and are passed over.
"""

from __future__ import annotations

from dataclasses import replace

from libra_edge.messages import Int64, Plan


class IntentBuffer:
    """Holds one plan and cuts a chunk's tokens out of it. Used from the event loop (or the lock-step loop) alone.

    Attributes:
        task_id: counts task changes; plans of any other task are refused.
    """

    def __init__(self, chunk_steps: int, plan_steps: int, max_plan_delay_steps: int) -> None:
        """H_chunk, L_macro, and the oldest plan (in steps, at a chunk's start) that the refiner was trained with."""
        if not 1 <= chunk_steps <= plan_steps or max_plan_delay_steps < 0:
            raise ValueError(
                f"chunk {chunk_steps}, plan {plan_steps}, delay {max_plan_delay_steps} do not fit together"
            )
        self.task_id = 0
        self._chunk_steps = chunk_steps
        self._plan_steps = plan_steps
        self._max_plan_delay_steps = max_plan_delay_steps
        self._asked_age_steps: int | None = None
        self._plan: Plan | None = None

    @property
    def plan(self) -> Plan | None:
        """The newest plan of the present task, of whatever age."""
        return self._plan

    @property
    def max_age_steps(self) -> int:
        """Oldest plan, in steps at a chunk's start, that has a whole chunk of tokens, was trained for and is wanted."""
        most = min(self._plan_steps - self._chunk_steps, self._max_plan_delay_steps)
        return most if self._asked_age_steps is None else min(most, self._asked_age_steps)

    def tighten(self, age_steps: int) -> bool:
        """Use no plan older than `age_steps` (>= 0) at a chunk's start; the bounds there were remain the outer ones.

        False if they are as tight already.
        """
        if age_steps < 0:
            raise ValueError(f"no plan is {age_steps} steps old")
        before = self.max_age_steps
        self._asked_age_steps = age_steps
        return self.max_age_steps < before

    def offer(self, plan: Plan) -> bool:
        """Keep `plan` if it is of the present task and not older than the one held; say whether it was kept."""
        if len(plan.tokens) != self._plan_steps:
            raise ValueError(f"a plan of {len(plan.tokens)} steps; this buffer takes {self._plan_steps}")
        if plan.task_id != self.task_id:
            return False
        if self._plan is not None and plan.first_step < self._plan.first_step:
            return False
        self._plan = plan
        return True

    def begin_at(self, step: int) -> None:
        """The arm has stood still while the plan was made: its first tokens speak of control step `step`."""
        if self._plan is not None:
            self._plan = replace(self._plan, first_step=step)

    def change_task(self) -> int:
        """Throw the plan away and return the new task's id."""
        self.flush()
        self.task_id += 1
        return self.task_id

    def flush(self) -> None:
        """Throw the plan away; the task stays."""
        self._plan = None

    def tokens_for(self, step: int) -> tuple[Plan, Int64] | None:
        """The plan to use and its int64 [H_chunk, D] tokens for a chunk that starts at control step `step`.

        None if there is no plan, if it speaks of later steps, is too old, or ends before the chunk does: see `refusal`.
        """
        if self._plan is None or self.refusal(step) is not None:
            return None
        age = step - self._plan.first_step
        return self._plan, self._plan.tokens[age : age + self._chunk_steps]

    def refusal(self, step: int) -> str | None:
        """Why there are no tokens for a chunk at `step`, as a clause for the log; None if there are."""
        if self._plan is None:
            return "there is no plan yet"
        age = step - self._plan.first_step
        if age < 0:
            return f"the plan begins only in {-age} steps"
        if age > self._plan_steps - self._chunk_steps:
            return f"the plan is {age} steps old and ends before the chunk does"
        if age > self._max_plan_delay_steps:
            return f"the plan is {age} steps old; the model was trained for at most {self._max_plan_delay_steps}"
        if age > self.max_age_steps:
            return f"the plan is {age} steps old; {self.max_age_steps} were asked for as the most"
        return None

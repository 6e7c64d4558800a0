"""The planner's stream: the newest pictures become a plan, again and again, beside everything else."""

from __future__ import annotations

import asyncio
from functools import partial

from libra_edge.errors import EngineError, ModelHangsError
from libra_edge.messages import Observation, Plan
from libra_edge.runtime.latency import RobustEstimate
from libra_edge.runtime.model_call import answer_of
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.worker_thread import WorkerThread

WARM_UP_CALLS = 3
MAX_FAILURES_IN_A_ROW = 3
LOOK_AGAIN_S = 0.02
SLOW_S = 1.0
"""A planner that takes longer is told of; the run ends when `model_call` loses its patience."""


class PlannerStream:
    """Plans in a thread of its own.

    Attributes:
        first_plan: set once there has been a plan.
    """

    def __init__(self, run: Run) -> None:
        self.first_plan = asyncio.Event()
        self._run = run
        self._thread = WorkerThread("planner")
        self._failures = 0
        self._delay_steps = RobustEstimate(0.0)
        self._every_steps = RobustEstimate(run.plan_every_steps)
        self._last_step: int | None = None
        self._horizon_announced = False
        self._slow_announced = False

    async def warm_up(self, observation: Observation) -> Plan:
        """Let the engine allocate and settle; what this takes is not measured. The plan is good for nothing but a
        warm-up of the refiner. Raises EngineError.
        """
        for _ in range(WARM_UP_CALLS):
            plan = await self._thread.run(partial(self._run.policy.make_plan, observation, 0, task_id=-1))
        return plan

    async def run(self) -> None:
        """In async mode: begin a plan every `plan_every_steps` control steps, or as often as the planner manages."""
        run, step = self._run, 0
        while run.mode is Mode.ASYNC:
            await asyncio.sleep(run.seconds_until(run.policy.steps.start_of(step)))
            await self.plan()
            # An early timer must not find the same step again.
            step = max(step + run.plan_every_steps, run.policy.steps.step_at(run.clock.now_ns()))
        await asyncio.Event().wait()

    async def plan(self) -> None:
        """Make one plan from what can be seen now; wait until there is something to see.

        Raises EngineError if the planner hangs or has failed too often.
        """
        run = self._run
        while isinstance(observation := run.sight.look(), str):
            if run.mode is not Mode.ASYNC:
                run.log.hold(observation)  # in async mode the refiner says so, when the arm does hold
            await asyncio.sleep(LOOK_AGAIN_S)
        step = max(0, run.policy.steps.step_at(observation.captured_ns))
        began_ns = run.clock.now_ns()
        try:
            call = self._thread.run(partial(run.policy.make_plan, observation, step, run.policy.buffer.task_id))
            plan = await answer_of(call, "planner", slow_after_s=SLOW_S, on_slow=self._announce_slow)
        except ModelHangsError:
            raise
        except EngineError as error:
            self._tolerate(error)
            return
        self._failures = 0
        if run.is_outdated(observation.captured_ns):
            return
        run.log.plan(plan, observation, (plan.ready_ns - began_ns) / 1e6)
        run.policy.buffer.offer(plan)
        self._watch_horizon(plan)
        self.first_plan.set()

    def close(self) -> None:
        """Let the thread end."""
        self._thread.close()

    def _tolerate(self, error: EngineError) -> None:
        self._failures += 1
        self._run.log.fault(str(error), "plan dropped")
        if self._failures >= MAX_FAILURES_IN_A_ROW:
            raise error

    def _announce_slow(self, kind: str) -> None:
        if not self._slow_announced:
            self._slow_announced = True
            self._run.log.fault(kind, "hold once the last plan is used up")

    def _watch_horizon(self, plan: Plan) -> None:
        """Announce once if plans take so long (d) and come so seldom (P) that chunks must wait: d + P - 1 > horizon."""
        self._delay_steps.add(self._run.policy.steps.first_from(plan.ready_ns) - plan.first_step)
        if self._last_step is not None:
            self._every_steps.add(plan.first_step - self._last_step)
        self._last_step = plan.first_step
        delay, every = round(self._delay_steps.value), round(self._every_steps.value)
        horizon = self._run.policy.buffer.max_age_steps
        if self._run.mode is Mode.ASYNC and delay + every - 1 > horizon and not self._horizon_announced:
            self._horizon_announced = True
            self._run.log.fault(
                f"a plan takes {delay} control steps and comes every {every}; {delay} + {every} - 1 exceeds {horizon}",
                "chunks wait for plans",
            )

"""The refiner's stream: each chunk is refined just before its first control step begins, from what is seen then."""

from __future__ import annotations

import asyncio
from functools import partial

from libra_edge.errors import EngineError, ModelHangsError
from libra_edge.messages import ActionChunk, Int64, Observation, Plan
from libra_edge.runtime.latency import RobustEstimate
from libra_edge.runtime.model_call import answer_of
from libra_edge.runtime.planner_stream import PlannerStream
from libra_edge.runtime.run_log import RefineTimes
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.worker_thread import WorkerThread

WARM_UP_CALLS = 3
MAX_FAILURES_IN_A_ROW = 3
MARGIN_MS = 10.0
"""A chunk should be there this long before its control step begins."""
SLOW_S = 0.5
"""A refiner that takes longer is told of."""


class RefinerStream:
    """Refines in a thread of its own; waits for the planner only where the mode says so."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._thread = WorkerThread("refiner")
        self._lead_ms = RobustEstimate(50.0)
        self._asked_ns = 0
        self._failures = 0
        self._old_plan_announced = False

    async def warm_up(self, observation: Observation, plan: Plan) -> None:
        """Let the engines allocate and settle; the last call tells how long one takes. Raises EngineError."""
        tokens = plan.tokens[: self._run.policy.chunk_steps]
        for _ in range(WARM_UP_CALLS):
            began_ns = self._run.clock.now_ns()
            await self._thread.run(partial(self._run.policy.make_chunk, observation, plan, tokens, plan.first_step))
            self._lead_ms = RobustEstimate((self._run.clock.now_ns() - began_ns) / 1e6)

    async def run(self, planner: PlannerStream) -> None:
        """Chunk after chunk, each due when the last one ends; where none can be made, the arm holds for a step."""
        step, follows = 0, False
        if self._run.mode is Mode.ASYNC:
            await planner.first_plan.wait()
        while True:
            step = await self._until_due(step, may_be_late=follows)
            if self._plan_first(step):
                step = await self._after_plan(planner, step)
            follows = await self._refine(step)
            step += self._run.policy.chunk_steps if follows else 1

    def close(self) -> None:
        """Let the thread end."""
        self._thread.close()

    async def _until_due(self, step: int, *, may_be_late: bool) -> int:
        """Wait until the chunk for `step` must be begun; for a later step if it is too late for this one.

        A chunk that joins its predecessor late by up to half a control step is better than a gap before the next step.
        """
        run = self._run
        lead_ns = round((self._lead_ms.value + MARGIN_MS) * 1e6)
        slack_ns = run.policy.steps.step_ns // 2 if may_be_late else 0
        now_ns = run.clock.now_ns()
        step = max(step, run.policy.steps.first_from(now_ns + lead_ns - slack_ns))
        self._asked_ns = max(now_ns, run.policy.steps.start_of(step) - lead_ns)
        await asyncio.sleep(run.seconds_until(self._asked_ns))
        return step

    async def _after_plan(self, planner: PlannerStream, step: int) -> int:
        """Let a plan be made for the chunk that was due at `step`; the step at which it is due now."""
        buffer = self._run.policy.buffer
        last = buffer.plan
        await planner.plan()
        step = await self._until_due(step, may_be_late=False)
        if buffer.plan is not last:
            buffer.begin_at(step)
        return step

    def _plan_first(self, step: int) -> bool:
        if self._run.mode is Mode.ASYNC:
            return False
        return self._run.mode is Mode.SYNC or self._run.policy.buffer.tokens_for(step) is None

    async def _refine(self, step: int) -> bool:
        """Make the chunk for `step` and send it off; False if there is nothing to make it from."""
        run = self._run
        found, observation = run.policy.buffer.tokens_for(step), run.sight.look()
        if found is None:
            self._begin_later()
        if found is None or isinstance(observation, str):
            run.log.hold(observation if isinstance(observation, str) else run.policy.buffer.refusal(step) or "no plan")
            return False
        began_ns = run.clock.now_ns()
        try:
            call = self._thread.run(partial(self._timed_chunk, observation, *found, step))
            chunk, refiner_ms = await answer_of(call, "refiner", slow_after_s=SLOW_S, on_slow=run.log.hold)
        except ModelHangsError:
            raise
        except EngineError as error:
            self._tolerate(error)
            return False
        if run.is_outdated(observation.captured_ns):
            return False
        run.servo.send_chunk(chunk)
        times = RefineTimes(began_ns, run.clock.now_ns(), refiner_ms)
        self._lead_ms.add((times.sent_ns - self._asked_ns) / 1e6)  # with what a late timer costs
        self._failures = 0
        run.log.resume()
        run.log.chunk(chunk, observation, times)
        self._watch_age(chunk.plan_age_steps)
        return True

    def _begin_later(self) -> None:
        """A chunk begun early for the sake of a few slow calls finds every plan too old, and would for good."""
        if self._lead_ms.value * 1e6 > self._run.policy.steps.step_ns:
            self._lead_ms.relax()

    def _watch_age(self, age: int) -> None:
        """Announce once if the planner beside us is only just fast enough; serial mode uses plans up on purpose."""
        most = self._run.policy.buffer.max_age_steps
        if self._run.mode is Mode.ASYNC and age >= most > 0 and not self._old_plan_announced:
            self._old_plan_announced = True
            self._run.log.fault(f"a chunk rests on a plan {age} steps old, {most} is the most", "goes on")

    def _timed_chunk(self, observation: Observation, plan: Plan, tokens: Int64, step: int) -> tuple[ActionChunk, float]:
        began_ns = self._run.clock.now_ns()
        chunk = self._run.policy.make_chunk(observation, plan, tokens, step)
        return chunk, (self._run.clock.now_ns() - began_ns) / 1e6

    def _tolerate(self, error: EngineError) -> None:
        self._failures += 1
        self._run.log.fault(str(error), "chunk dropped, hold")
        if self._failures >= MAX_FAILURES_IN_A_ROW:
            raise error

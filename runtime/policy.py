"""The two systems and what they share: the instruction, the intent buffer, the ruler of control steps and the noise.

The real-time loop (policy_loop.py) and lock-step evaluation (lockstep.py) both move the arm through this class alone.
"""

from __future__ import annotations

import itertools

from libra_edge.chunk_noise import chunk_noise
from libra_edge.messages import ActionChunk, Int64, Observation, Plan
from libra_edge.model_spec import ModelSpec
from libra_edge.protocols import Clock
from libra_edge.runtime.control_steps import ControlSteps
from libra_edge.runtime.fence import Fence
from libra_edge.runtime.intent_buffer import IntentBuffer
from libra_edge.runtime.systems import Planner, Refiner


class Policy:
    """Makes plans and chunks. `make_plan` and `make_chunk` may run at the same time, each from one thread.

    Attributes:
        buffer: where the newest plan lies; used from the loop, not from the threads.
        steps: the run's ruler; starts at 0 until `start` is called.
        chunk_steps: H_chunk.
        spec: the model's own record.
    """

    def __init__(
        self, planner: Planner, refiner: Refiner, spec: ModelSpec, instruction: Int64, *, clock: Clock, seed: int
    ) -> None:
        """`instruction` is int64 [1, T]; `seed` (>= 0) decides the noise that every chunk starts from."""
        policy = spec.policy
        self.buffer = IntentBuffer(policy.chunk_steps, policy.plan_steps, policy.max_plan_delay_steps)
        self.steps = ControlSteps(0, policy.step_ns)
        self.chunk_steps = policy.chunk_steps
        self.spec = spec
        self._fence = Fence(spec)
        self._planner = planner
        self._refiner = refiner
        self._instruction = instruction
        self._clock = clock
        self._seed = seed
        self._noise_shape = (1, policy.chunk_steps, len(spec.action.joints))
        self._plan_ids = itertools.count()
        self._chunk_ids = itertools.count()

    def start(self) -> None:
        """Control step 0 begins now."""
        self.steps = ControlSteps(self._clock.now_ns(), self.steps.step_ns)

    def make_plan(self, observation: Observation, step: int, task_id: int) -> Plan:
        """Plan from what was observed in control step `step`. Raises EngineError, also for what the fence refuses."""
        tokens = self._fence.tokens(self._planner.plan(observation, self._instruction))
        return Plan(next(self._plan_ids), tokens, step, task_id, observation.captured_ns, self._clock.now_ns())

    def make_chunk(self, observation: Observation, plan: Plan, tokens: Int64, step: int) -> ActionChunk:
        """Refine the plan's int64 [H_chunk, D] tokens into the chunk that starts at control step `step`.

        Raises EngineError, also for what the fence refuses.
        """
        age = step - plan.first_step
        noise = chunk_noise(self._seed, step, self._noise_shape)
        return ActionChunk(
            chunk_id=next(self._chunk_ids),
            positions=self._fence.positions(self._refiner.refine(observation, tokens, age, noise)),
            first_step=step,
            start_ns=self._start_of_chunk(observation, step),
            step_ns=self.steps.step_ns,
            plan_id=plan.plan_id,
            plan_age_steps=age,
            captured_ns=observation.captured_ns,
        )

    def _start_of_chunk(self, observation: Observation, step: int) -> int:
        """The instant that the chunk's goals count from: when it was observed what they answer to.

        At most one control step before `step` begins. What has passed when the chunk arrives is skipped, not caught up.
        """
        begin_ns = self.steps.start_of(step)
        return min(max(observation.captured_ns, begin_ns - self.steps.step_ns), begin_ns)

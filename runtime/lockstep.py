"""One episode in one process under a simulated clock: bit-reproducible, and with any delay of the planner one likes.

The parts are those of the real-time run (policy, intent buffer, trajectory, governor); only the waiting is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from libra_edge.clock import SimulatedClock
from libra_edge.messages import ActionChunk, Float64, Int64, JointState, Observation, Plan
from libra_edge.model_spec import ModelSpec
from libra_edge.robot import Robot
from libra_edge.runtime.governor import GovernorLimits, GovernorState, govern
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.schedule import Mode, usable_tokens
from libra_edge.runtime.systems import Planner, Refiner
from libra_edge.runtime.trajectory import Trajectory


class World(Protocol):
    """A world that moves only when told to."""

    clock: SimulatedClock

    def observe(self) -> Observation:
        """Pictures and joints as they are now."""
        ...

    def joints(self) -> JointState:
        """The joints as they are now, measured at every servo tick."""
        ...

    def advance(self, goal: Float64) -> None:
        """Hand the servos `goal`, float64 [D] rad, and let one servo tick (1 / robot.servo.rate_hz) pass on `clock`."""
        ...

    def success(self) -> bool:
        """True once the task has been achieved in this episode."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class EpisodeResult:
    """How an episode went.

    Attributes:
        success: the task was achieved within the allowed steps.
        control_steps: steps that were played.
        held_steps: steps in which the arm waited for a plan.
        plans, chunks: in the order in which they were made.
    """

    success: bool
    control_steps: int
    held_steps: int
    plans: tuple[Plan, ...]
    chunks: tuple[ActionChunk, ...]


class LockStepServo:
    """What the servo process does at each tick: sample the trajectory, govern, hand the goal over."""

    def __init__(self, world: World, robot: Robot, pose: Float64) -> None:
        """Starts at rest at `pose`, float64 [D] rad."""
        self._world = world
        self._limits = GovernorLimits.of(robot)
        self._tick_s = 1.0 / robot.servo.rate_hz
        self._state = GovernorState.standing(pose)
        self._trajectory = Trajectory(len(pose))
        self._trajectory.start(pose, world.clock.now_ns())

    def follow(self, chunk: ActionChunk) -> None:
        """Follow `chunk` from its first control step on."""
        self._trajectory.accept(chunk, self._world.clock.now_ns())

    def run_until(self, end_ns: int) -> None:
        """Tick until the clock has reached `end_ns`."""
        while self._world.clock.now_ns() < end_ns:
            asked = self._trajectory.sample(self._world.clock.now_ns()).goal
            decision = govern(self._limits, self._state, asked, self._tick_s, self._world.joints())
            self._state = decision.state
            self._world.advance(decision.goal)


@dataclass(slots=True)
class Episode:
    """One episode under way.

    Attributes:
        plan_delay_steps: d, control steps between a plan's observation and its use; 0 is at once.
        plan_every_steps: P, control steps between two plans' observations in async mode, if the planner keeps up.
        plan_picture_age_ns: age of what a plan is made from, at the beginning of the control step in which it is begun.
        chunk_picture_age_ns: age of what a chunk is made from, at the beginning of its first control step.
    """

    world: World
    policy: Policy
    robot: Robot
    mode: Mode
    plan_delay_steps: int
    plan_every_steps: int
    chunk_steps: int
    plan_picture_age_ns: int = 0
    chunk_picture_age_ns: int = 0
    plans: list[Plan] = field(default_factory=list)
    chunks: list[ActionChunk] = field(default_factory=list)
    held_steps: int = 0
    _due_step: int = 0
    _pending: tuple[int, Observation] | None = None
    _planned_step: int | None = None
    _observed: tuple[int, Observation] | None = None
    _past: dict[int, Observation] = field(default_factory=dict)

    def play(self, max_steps: int) -> EpisodeResult:
        """Play until success, at most `max_steps` control steps."""
        self.policy.start()
        servo = LockStepServo(self.world, self.robot, self._observation(0).joints.position)
        step = 0
        while step < max_steps and not self.world.success():
            self._think(step)
            self._act(step, servo)
            step += 1
            self._live_until(self.policy.steps.start_of(step), servo)
        return EpisodeResult(self.world.success(), step, self.held_steps, tuple(self.plans), tuple(self.chunks))

    def _think(self, step: int) -> None:
        """Deliver the plan in the making if its time has come, and begin the next one if it is wanted."""
        self._deliver(step)
        if self._pending is None and self._plan_wanted(step):
            self._pending = (step, self._observation(step, self.plan_picture_age_ns))
            self._planned_step = step
            self._deliver(step)

    def _deliver(self, step: int) -> None:
        if self._pending is None or step < self._pending[0] + self.plan_delay_steps:
            return
        label = self._label(self._pending) if self.mode is Mode.ASYNC else step
        plan = self.policy.make_plan(self._pending[1], label, self.policy.buffer.task_id)
        self.policy.buffer.offer(plan)
        self.plans.append(plan)
        self._pending = None

    def _label(self, pending: tuple[int, Observation]) -> int:
        """The control step that a plan's first tokens speak of: that of its pictures.

        Where the arm has waited for it, that of its delivery (see Mode).
        """
        begun, observation = pending
        return min(begun, max(0, self.policy.steps.step_at(observation.captured_ns)))

    def _plan_wanted(self, step: int) -> bool:
        starved = step >= self._due_step and self._tokens(step) is None
        if self.mode is not Mode.ASYNC or self._planned_step is None:
            return starved
        return starved or step - self._planned_step >= self.plan_every_steps

    def _tokens(self, step: int) -> tuple[Plan, Int64] | None:
        return usable_tokens(self.mode, self.policy.buffer, self._due_step, step)

    def _act(self, step: int, servo: LockStepServo) -> None:
        """Start a chunk if one is due and there is a plan for it; without a plan the arm holds."""
        if step < self._due_step:
            return
        found = self._tokens(step)
        if found is None:
            self.held_steps += 1
            return
        chunk = self.policy.make_chunk(self._observation(step, self.chunk_picture_age_ns), *found, step)
        servo.follow(chunk)
        self.chunks.append(chunk)
        self._due_step = step + self.chunk_steps

    def _live_until(self, begin_ns: int, servo: LockStepServo) -> None:
        """Let the servo run until a control step begins, and take the pictures that will have their age by then."""
        self._past.clear()
        for age_ns in sorted({self.plan_picture_age_ns, self.chunk_picture_age_ns} - {0}, reverse=True):
            servo.run_until(begin_ns - age_ns)
            self._past[age_ns] = self.world.observe()
        servo.run_until(begin_ns)

    def _observation(self, step: int, age_ns: int = 0) -> Observation:
        """What the world looks like now, or looked like `age_ns` ago; at the start there is nothing older than now.

        Pictures of now are drawn once a step at most.
        """
        if age_ns in self._past:
            return self._past[age_ns]
        if self._observed is None or self._observed[0] != step:
            self._observed = (step, self.world.observe())
        return self._observed[1]


def run_episode(
    world: World,
    planner: Planner,
    refiner: Refiner,
    spec: ModelSpec,
    robot: Robot,
    *,
    instruction: Int64,
    seed: int,
    max_steps: int,
    plan_delay_steps: int = 0,
    plan_every_steps: int | None = None,
    mode: Mode = Mode.ASYNC,
    plan_picture_age_ns: int = 0,
    chunk_picture_age_ns: int = 0,
) -> EpisodeResult:
    """Play one episode from the world's present state; the same arguments give the same bits.

    `instruction` is int64 [1, T]. A plan is begun every `plan_every_steps` (default: every chunk) and may be used
    `plan_delay_steps` later. Pictures may have an age (see Episode), at most one control step, in effect in whole servo
    ticks. Raises ValueError for any other age, EngineError, and whatever the world raises.
    """
    if not all(0 <= age_ns <= spec.policy.step_ns for age_ns in (plan_picture_age_ns, chunk_picture_age_ns)):
        raise ValueError(f"pictures {plan_picture_age_ns} and {chunk_picture_age_ns} ns old; one control step at most")
    policy = Policy(planner, refiner, spec, instruction, clock=world.clock, seed=seed)
    chunk_steps = spec.policy.chunk_steps
    every = chunk_steps if plan_every_steps is None else plan_every_steps
    ages_ns = plan_picture_age_ns, chunk_picture_age_ns
    return Episode(world, policy, robot, mode, plan_delay_steps, every, chunk_steps, *ages_ns).play(max_steps)

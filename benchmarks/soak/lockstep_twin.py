"""The lock-step twin of a real-time run: the same scene, the same noise, the same beginning, and delays as given."""

from __future__ import annotations

from typing import Any

import numpy as np

from libra_edge.drivers.simulation.lockstep_world import LockStepWorld
from libra_edge.messages import ActionChunk
from libra_edge.robot import Robot
from libra_edge.runtime.load_systems import Systems
from libra_edge.runtime.lockstep import EpisodeResult, LockStepServo, run_episode
from libra_edge.runtime.servo_glide import Glide

SETTLED_STEPS = 5
"""Half a second in the rest pose, as in real time while the engines warm up."""


class LockStepTwin:
    """Plays episodes in one process; keeps its world between them."""

    def __init__(self, systems: Systems, robot: Robot) -> None:
        self._systems = systems
        self._robot = robot
        self._world: LockStepWorld | None = None

    def play(self, task: str, seed: int, seconds: float, **delays: Any) -> EpisodeResult:
        """One episode of at most `seconds`, after a glide to the rest pose; `delays` as `run_episode` takes them."""
        if self._world is None:
            self._world = LockStepWorld(self._robot, seed, task)
        else:
            self._world.reset(seed, task)
        self._home(self._world)
        return run_episode(
            self._world,
            self._systems.planner,
            self._systems.refiner,
            self._systems.spec,
            self._robot,
            instruction=self._systems.words.encode(task),
            seed=seed,
            max_steps=round(seconds * self._systems.spec.policy.rate_hz),
            **delays,
        )

    def _home(self, world: LockStepWorld) -> None:
        """What the servo process does before a run: a slow glide to the rest pose, through the governor."""
        pose, now_ns = world.joints().position, world.clock.now_ns()
        glide, step_ns = Glide(pose, self._robot.rest, now_ns), self._systems.spec.policy.step_ns
        steps = -(-glide.duration_ns // step_ns) + SETTLED_STEPS
        rows = np.array([glide.sample(now_ns + step * step_ns).goal for step in range(1, steps + 1)])
        servo = LockStepServo(world, self._robot, pose)
        servo.follow(ActionChunk(0, rows, 0, now_ns, step_ns, 0, 0, now_ns))
        servo.run_until(now_ns + steps * step_ns)

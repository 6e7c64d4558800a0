"""Stand-ins for what the policy side is handed: a world, two systems, an observation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from libra_edge.clock import SimulatedClock
from libra_edge.messages import Float32, Float64, Frame, Int64, JointState, Observation
from libra_edge.model_spec import ModelSpec
from libra_edge.robot import Robot, open_robot

ROBOT: Robot = open_robot("koch-sim")
POSE: Float64 = np.radians([0.0, -20.0, 20.0, 0.0, 0.0, -30.0])


def a_spec(*, plan_chunks: int = 2, max_plan_delay_steps: int = 5, plan_age: bool = True) -> ModelSpec:
    """A policy for koch-sim at 10 Hz with H_chunk = 5 and N = 10."""
    cameras = [
        {"name": camera.name, "width": camera.width, "height": camera.height, "used_by": ["planner", "refiner"]}
        for camera in ROBOT.camera
    ]
    return ModelSpec.model_validate(
        {
            "schema_version": 1,
            "name": "fake",
            "policy": {
                "rate_hz": 10.0,
                "bins": 10,
                "chunk_steps": 5,
                "plan_chunks": plan_chunks,
                "denoising_steps": 3,
                "max_plan_delay_steps": max_plan_delay_steps,
            },
            "action": {
                "convention": "absolute_joint_position",
                "unit": "rad",
                "joints": ROBOT.joint_names,
                "low": ROBOT.low.tolist(),
                "high": ROBOT.high.tolist(),
            },
            "camera": cameras,
            "instruction": {"max_tokens": 8},
            "inputs": {"planner": ["state"], "refiner": ["plan_age"] if plan_age else []},
            "provenance": {"license": "none", "author": "tests", "data": "none", "training": "none"},
        }
    )


def an_observation(position: Float64 = POSE, time_ns: int = 0, number: int = 0) -> Observation:
    """Grey pictures of the right size, and joints at rest at `position`."""
    frames = {
        camera.name: Frame(camera.name, np.full((camera.height, camera.width, 3), 128, np.uint8), number, time_ns)
        for camera in ROBOT.camera
    }
    return Observation(frames, JointState(position.copy(), np.zeros_like(position), time_ns))


@dataclass
class FakeWorld:
    """Joints that follow their goal by a tenth of the way at each tick; success after `success_at_ns`, if ever."""

    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(1_000_000_000))
    position: Float64 = field(default_factory=POSE.copy)
    success_at_ns: int | None = None
    goals: list[Float64] = field(default_factory=list)
    observed_ns: list[int] = field(default_factory=list)

    def observe(self) -> Observation:
        self.observed_ns.append(self.clock.now_ns())
        return an_observation(self.position, self.clock.now_ns())

    def joints(self) -> JointState:
        return JointState(self.position.copy(), np.zeros_like(self.position), self.clock.now_ns())

    def advance(self, goal: Float64) -> None:
        self.goals.append(goal.copy())
        self.position = self.position + 0.1 * (goal - self.position)
        self.clock.advance(round(1e9 / ROBOT.servo.rate_hz))

    def success(self) -> bool:
        return self.success_at_ns is not None and self.clock.now_ns() >= self.success_at_ns


@dataclass
class FakePlanner:
    """Tokens that depend on where the joints are, the words, and the row."""

    spec: ModelSpec
    calls: int = 0

    def plan(self, observation: Observation, instruction: Int64) -> Int64:
        self.calls += 1
        seen = self.spec.action_space.tokens(self.spec.action_space.normalise(observation.joints.position))
        rows = np.arange(self.spec.policy.plan_steps)[:, np.newaxis]
        return np.asarray((seen + rows + instruction.sum()) % self.spec.policy.bins, dtype=np.int64)


@dataclass
class FakeRefiner:
    """The middle of the planned bins, moved a little by the noise, the age and the measured joints."""

    spec: ModelSpec
    ages: list[int] = field(default_factory=list)
    tokens: list[Int64] = field(default_factory=list)

    def refine(self, observation: Observation, tokens: Int64, plan_age: int, noise: Float32) -> Float64:
        self.ages.append(plan_age)
        self.tokens.append(tokens.copy())
        centres = self.spec.action_space.bin_centres(tokens) * 0.3
        return self.spec.action_space.denormalise(centres + 0.01 * noise[0]) + 0.01 * observation.joints.position

"""What the real streams are handed beside timed engines: a model's record, pictures, systems and a servo process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from libra_edge.clock import SimulatedClock
from libra_edge.messages import ActionChunk, Float32, Float64, Frame, Int64, JointState, Observation
from libra_edge.model_spec import ModelSpec
from libra_edge.robot import Robot, open_robot
from libra_edge.runtime.command import Command
from libra_edge.runtime.control_socket import Reply, Request
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.supervisor import State

ROBOT: Robot = open_robot("koch-sim")
CHUNK_STEPS = 5
"""H_chunk of the published setting."""


def a_spec(rate_hz: float, plan_chunks: int, oldest_plan_steps: int) -> ModelSpec:
    """A model whose plans are so many chunks long and may be used up to an age in control steps."""
    cameras = [
        {"name": camera.name, "width": camera.width, "height": camera.height, "used_by": ["planner", "refiner"]}
        for camera in ROBOT.camera
    ]
    return ModelSpec.model_validate(
        {
            "schema_version": 1,
            "name": "timed",
            "policy": {
                "rate_hz": rate_hz,
                "bins": 10,
                "chunk_steps": CHUNK_STEPS,
                "plan_chunks": plan_chunks,
                "denoising_steps": 5,
                "max_plan_delay_steps": oldest_plan_steps,
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
            "inputs": {"planner": ["state"], "refiner": ["plan_age"]},
            "provenance": {"license": "none", "author": "benchmark", "data": "none", "training": "none"},
        }
    )


def an_observation(number: int, time_ns: int) -> Observation:
    """Pictures of the right size that never repeat, and joints at rest in the middle of their range."""
    frames = {
        camera.name: Frame(
            camera.name, np.full((camera.height, camera.width, 3), 64 + number % 128, np.uint8), number, time_ns
        )
        for camera in ROBOT.camera
    }
    return Observation(frames, _joints(time_ns))


def _joints(time_ns: int) -> JointState:
    middle = (ROBOT.low + ROBOT.high) / 2
    return JointState(middle, np.zeros_like(middle), time_ns)


@dataclass
class TimedPlanner:
    """The same tokens always; what it costs is the worker's affair."""

    spec: ModelSpec

    def plan(self, observation: Observation, instruction: Int64) -> Int64:
        return np.full((self.spec.policy.plan_steps, len(ROBOT.joint)), 5, dtype=np.int64)


@dataclass
class TimedRefiner:
    """The same positions always."""

    spec: ModelSpec

    def refine(self, observation: Observation, tokens: Int64, plan_age: int, noise: Float32) -> Float64:
        return np.repeat(observation.joints.position[np.newaxis], self.spec.policy.chunk_steps, axis=0)


@dataclass
class SilentServo:
    """A servo process that accepts everything."""

    clock: SimulatedClock
    exit_code: int | None = None

    def send_chunk(self, chunk: ActionChunk) -> None:
        pass

    def joint_state(self) -> JointState:
        return _joints(self.clock.now_ns())

    def telemetry(self) -> ServoTelemetry:
        return ServoTelemetry(self.clock.now_ns(), State.RUNNING)

    def drain_commands(self) -> list[Command]:
        return []

    async def request(self, request: Request) -> Reply:
        return Reply(State.RUNNING)

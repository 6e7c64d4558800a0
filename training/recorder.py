"""Records demonstrations and corrections in lock-step: at every control step what the cameras saw and what the expert
would do from there.

An episode is driven by an `Actor` (the noisy expert, or the policy itself); its labels always come from the noiseless
expert, rolled out from a saved state of the simulator, so that a policy's own mistakes are labelled with the way back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from libra_edge.drivers.simulation import kinematics
from libra_edge.drivers.simulation.lockstep_world import LockStepWorld
from libra_edge.drivers.simulation.mujoco_library import mujoco
from libra_edge.drivers.simulation.raycast import RayCaster
from libra_edge.drivers.simulation.world import KochCubesWorld
from libra_edge.messages import ActionChunk, Float32, Float64, UInt8
from libra_edge.robot import Robot
from libra_edge.runtime.lockstep import LockStepServo
from training.expert import Expert, pitch_at

FRONT = (320, 180)
WRIST = (424, 240)
FRONT_STRIDE, WRIST_STRIDE = 2, 3
WRIST_COLUMNS = slice(7, 135)
"""The policy looks at every second front pixel, and at every third wrist pixel but for both edges."""

PLAN_STEPS, CHUNK_STEPS = 10, 5
NO_TOKENS: NDArray[np.int8] = np.full((CHUNK_STEPS, 6), -1, dtype=np.int8)
STEPS_AFTER_SUCCESS = 4
MAX_STEPS = {"touch": 25, "push": 35, "pick up": 60}
STEP_NS, PHYSICS_PER_STEP = 100_000_000, 20
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One control step: front uint8 [90, 160, 3], wrist uint8 [80, 128, 3], state float32 [6] rad,
    goals float32 [10, 6] rad (what the expert would do), cube float32 [3] m (where the named cube is),
    tokens int8 [5, 6]: the coarse tokens that the policy acted on from here, -1 where it did not.
    """

    front: UInt8
    wrist: UInt8
    state: Float32
    goals: Float32
    cube: Float32
    tokens: NDArray[np.int8]


class Actor(Protocol):
    """Drives an episode."""

    def goal(self, step: int, sample: Sample) -> tuple[Float64, NDArray[np.int8]]:
        """The goal for the end of this control step, float64 [6] rad, and the tokens behind it, int8 [5, 6] (or -1)."""
        ...


class Eyes:
    """Both cameras of one world, rendered at just the pixels that the policy uses."""

    def __init__(self, world: KochCubesWorld) -> None:
        self._world = world
        self._caster = RayCaster(world.model)

    def look(self) -> tuple[UInt8, UInt8]:
        """Front uint8 [90, 160, 3] and wrist uint8 [80, 128, 3]."""
        snapshot = self._world.snapshot()
        front = self._caster.render(snapshot, "front", *FRONT, FRONT_STRIDE)
        wrist = self._caster.render(snapshot, "wrist", *WRIST, WRIST_STRIDE)
        return front, wrist[:, WRIST_COLUMNS]


class Driver:
    """Drives a world one goal at a time through the runtime's own trajectory and governor."""

    def __init__(self, world: LockStepWorld, robot: Robot) -> None:
        self._servo = LockStepServo(world, robot, world.joints().position)
        self._step = 0

    def drive(self, goal: Float64) -> None:
        """One control step that ends at `goal`, float64 [6] rad."""
        start = self._step * STEP_NS
        chunk = ActionChunk(self._step, goal[np.newaxis].copy(), self._step, start, STEP_NS, 0, 0, start)
        self._servo.follow(chunk)
        self._servo.run_until(start + STEP_NS)
        self._step += 1


def episode(lockstep: LockStepWorld, robot: Robot, eyes: Eyes, actor: Actor) -> Iterator[Sample]:
    """Play the world's present episode to its end, yielding a sample before each control step."""
    world = lockstep.world
    expert, driver = Expert(world), Driver(lockstep, robot)
    previous = world.position
    done_at = None
    for step in range(MAX_STEPS[world.task.verb]):
        front, wrist = eyes.look()
        goals = _label(world, expert, previous)
        state, cube = world.position.astype(np.float32), world.cubes[0].astype(np.float32)
        sample = Sample(front, wrist, state, goals.astype(np.float32), cube, NO_TOKENS)
        goal, tokens = actor.goal(step, sample)
        yield replace(sample, tokens=tokens)
        driver.drive(goal)
        previous = goal
        if done_at is None and world.success():
            done_at = step
        if done_at is not None and step >= done_at + STEPS_AFTER_SUCCESS:
            return


def scene(world: KochCubesWorld, eyes: Eyes, pose: Float64 | None) -> Sample:
    """The present scene, with the arm put at `pose` (float64 [6] rad) if there is one."""
    if pose is not None:
        world.data.qpos[: len(pose)] = pose
        world.data.qvel[: len(pose)] = 0.0
        world.set_goal(pose)
        mujoco.mj_forward(world.model, world.data)
    front, wrist = eyes.look()
    goals = _label(world, Expert(world), world.position)
    state, cube = world.position.astype(np.float32), world.cubes[0].astype(np.float32)
    return Sample(front, wrist, state, goals.astype(np.float32), cube, NO_TOKENS)


def anywhere(rng: np.random.Generator) -> Float64:
    """A pose with the hand somewhere above the cubes, float64 [6] rad."""
    while True:
        reach, bearing, height = rng.uniform(0.10, 0.24), rng.uniform(-0.85, 0.85), rng.uniform(0.05, 0.11)
        x, y = kinematics.PAN_AXIS_X + reach * math.cos(bearing), reach * math.sin(bearing)
        solution = kinematics.solve(x, y, height, pitch_at(reach), 0.0)
        if solution is not None:
            return np.array([*solution, rng.uniform(-1.1, -0.25)])


def _label(world: KochCubesWorld, expert: Expert, previous: Float64) -> Float64:
    """The noiseless expert's next goals, float64 [10, 6]; the world is left as it was."""
    saved = np.empty(mujoco.mj_stateSize(world.model, _STATE))
    mujoco.mj_getState(world.model, world.data, saved, _STATE)
    goals = np.empty((PLAN_STEPS, len(previous)))
    for row in range(PLAN_STEPS):
        goals[row] = expert.goal(previous)
        world.set_goal(goals[row])
        mujoco.mj_step(world.model, world.data, nstep=PHYSICS_PER_STEP)
        previous = goals[row]
    mujoco.mj_setState(world.model, world.data, saved, _STATE)
    mujoco.mj_forward(world.model, world.data)
    return goals


class NoisyExpert:
    """The expert's own goal plus noise that lasts: it wanders off, and the labels show the way back."""

    def __init__(self, rng: np.random.Generator, spread_rad: float) -> None:
        self._rng = rng
        self._spread = spread_rad * np.array([1.0, 1.0, 1.0, 1.0, 1.0, 2.0])
        self._drift = np.zeros(6)

    def goal(self, step: int, sample: Sample) -> tuple[Float64, NDArray[np.int8]]:
        """The first label plus noise; no tokens."""
        self._drift = 0.7 * self._drift + self._rng.normal(0.0, 1.0, 6) * self._spread
        return sample.goals[0].astype(np.float64) + self._drift, NO_TOKENS

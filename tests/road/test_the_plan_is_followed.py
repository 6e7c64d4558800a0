"""The trained policy does what the words say, through the planner's tokens and no other way."""

from __future__ import annotations

import numpy as np
import pytest

from libra_edge.bundle import Bundle
from libra_edge.drivers.simulation.lockstep_world import LockStepWorld
from libra_edge.drivers.simulation.tasks import VERBS
from libra_edge.messages import Int64, Observation
from libra_edge.robot import open_robot
from libra_edge.runtime.load_systems import load_systems
from libra_edge.runtime.lockstep import run_episode
from libra_edge.runtime.systems import Planner

ROBOT = open_robot("koch-sim")
FIRST_SEED = 900_000
EPISODES = 5
MAX_STEPS = 60


class RandomTokens:
    """Plans without looking."""

    def __init__(self, bundle: Bundle) -> None:
        policy = bundle.spec.policy
        self._shape, self._bins = (policy.plan_steps, len(bundle.spec.action.joints)), policy.bins
        self._rng = np.random.default_rng(0)

    def plan(self, observation: Observation, instruction: Int64) -> Int64:
        return self._rng.integers(0, self._bins, self._shape)


class Stage:
    """Plays episodes of the exported bundle with one part exchanged."""

    def __init__(self, bundle: Bundle) -> None:
        self.systems = load_systems(bundle.policy_files("cpu"))

    def successes(self, *, planner: Planner | None = None, told_other_colour: bool = False) -> int:
        """Out of EPISODES of each verb."""
        worlds = (
            LockStepWorld(ROBOT, FIRST_SEED + k, f"{verb} the blue cube") for verb in VERBS for k in range(EPISODES)
        )
        return sum(self._play(world, planner or self.systems.planner, told_other_colour) for world in worlds)

    def _play(self, lockstep: LockStepWorld, planner: Planner, told_other_colour: bool) -> bool:
        world = lockstep.world
        told = world.task.text.replace("blue", world.colours[1]) if told_other_colour else world.task.text
        result = run_episode(
            lockstep,
            planner,
            self.systems.refiner,
            self.systems.spec,
            ROBOT,
            instruction=self.systems.words.encode(told),
            seed=1,
            max_steps=MAX_STEPS,
        )
        return result.success


@pytest.fixture(scope="module")
def stage(bundle: Bundle) -> Stage:
    return Stage(bundle)


ALL = EPISODES * len(VERBS)


def test_told_the_truth_it_succeeds(stage: Stage) -> None:
    assert stage.successes() >= 0.7 * ALL


def test_told_another_cube_s_colour_it_fails_the_task(stage: Stage) -> None:
    assert stage.successes(told_other_colour=True) <= 0.2 * ALL


def test_with_random_tokens_success_collapses(stage: Stage, bundle: Bundle) -> None:
    assert stage.successes(planner=RandomTokens(bundle)) <= 0.4 * ALL


def test_another_colour_gives_other_tokens(stage: Stage) -> None:
    lockstep = LockStepWorld(ROBOT, FIRST_SEED, "pick up the blue cube")
    observation = lockstep.observe()
    plans = [
        stage.systems.planner.plan(observation, stage.systems.words.encode(f"pick up the {colour} cube"))
        for colour in lockstep.world.colours
    ]
    pan = [plan[-1, 0] for plan in plans]
    order = np.argsort([-cube[1] for cube in lockstep.world.cubes])
    assert len({plan.tobytes() for plan in plans}) == len(plans)
    assert list(np.argsort(pan)) == list(order), "the further right the cube, the larger the pan token"

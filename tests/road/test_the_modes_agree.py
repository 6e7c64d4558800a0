"""The oracle: with a planner that takes no time, thinking beside acting gives the very actions of thinking first."""

from __future__ import annotations

import numpy as np
import pytest

from libra_edge.bundle import Bundle
from libra_edge.drivers.simulation.lockstep_world import LockStepWorld
from libra_edge.messages import Float64
from libra_edge.robot import open_robot
from libra_edge.runtime.load_systems import Systems, load_systems
from libra_edge.runtime.lockstep import EpisodeResult, run_episode
from libra_edge.runtime.schedule import Mode

ROBOT = open_robot("koch-sim")
TASK = "push the green cube"
STEPS = 40


class NotingWorld(LockStepWorld):
    """Keeps every goal that the servos are handed."""

    def __init__(self, seed: int) -> None:
        super().__init__(ROBOT, seed, TASK)
        self.goals: list[Float64] = []

    def advance(self, goal: Float64) -> None:
        self.goals.append(goal.copy())
        super().advance(goal)

    def success(self) -> bool:
        """Every episode is played to its end, so that all are of one length."""
        return False


@pytest.fixture(scope="module")
def systems(bundle: Bundle) -> Systems:
    return load_systems(bundle.policy_files("cpu"))


def play(systems: Systems, mode: Mode, delay: int = 0) -> tuple[EpisodeResult, Float64]:
    world = NotingWorld(seed=510_007)
    result = run_episode(
        world,
        systems.planner,
        systems.refiner,
        systems.spec,
        ROBOT,
        instruction=systems.words.encode(TASK),
        seed=3,
        max_steps=STEPS,
        plan_delay_steps=delay,
        mode=mode,
    )
    return result, np.array(world.goals)


def test_async_without_delay_is_sync_to_the_last_bit(systems: Systems) -> None:
    (beside, beside_goals), (first, first_goals) = play(systems, Mode.ASYNC), play(systems, Mode.SYNC)
    assert beside_goals.tobytes() == first_goals.tobytes()
    assert np.ptp(first_goals, axis=0).max() > 0.1, "an arm that stands still proves nothing"
    assert len(beside.chunks) == len(first.chunks) == STEPS // systems.spec.policy.chunk_steps
    for ours, theirs in zip(beside.chunks, first.chunks, strict=True):
        assert ours.positions.tobytes() == theirs.positions.tobytes()
    _, delayed_goals = play(systems, Mode.ASYNC, delay=1)
    assert delayed_goals.tobytes() != first_goals.tobytes(), "a delay that shows nowhere would make this test blind"

"""What is asked of a policy: which samples, which tokens, which noise."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.export.outcome import planner_logits, policy_outcome, refined_actions
from libra_edge.export.policy_graphs import PlannerGraph, RefinerGraphs
from libra_edge.export.progress import SilentProgress

ROWS = np.array([1, 3])
TOKENS = np.arange(4 * 2 * 3).reshape(4, 2, 3) % 10
NOISE = np.random.default_rng(0).standard_normal((4, 2, 3)).astype(np.float32)
SAMPLES = CalibrationSamples({"x": np.arange(4), "tokens": TOKENS, "sample": NOISE}, np.ones(4, np.bool_))


class Scripted:
    """Plans token 7 - row everywhere; its actions are tokens plus noise. Notes the rows it was asked for."""

    inputs = ("x", "tokens", "sample")

    def __init__(self) -> None:
        self.rows: list[int] = []

    def logits(self, sample: dict[str, NDArray[Any]]) -> NDArray[Any]:
        self.rows.append(int(sample["x"][0]))
        return np.tile(np.eye(10, dtype=np.float32)[7 - self.rows[-1]], (4, 3, 1))

    def actions(
        self, sample: dict[str, NDArray[Any]], tokens: NDArray[Any] | None = None, noise: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        self.rows.append(int(sample["x"][0]))
        actions: NDArray[Any] = (sample["tokens"] if tokens is None else tokens)[0] + (
            sample["sample"] if noise is None else noise
        )[0]
        return actions


class Counting(SilentProgress):
    """Counts pieces."""

    def __init__(self) -> None:
        self.pieces = 0

    def advance(self, pieces: int = 1) -> None:
        self.pieces += pieces


def test_both_stages_of_a_policy_are_asked_the_same_samples() -> None:
    planner, refiner, progress = Scripted(), Scripted(), Counting()
    logits = planner_logits(cast(PlannerGraph, planner), SAMPLES, ROWS, progress)
    outcome = policy_outcome(logits, cast(RefinerGraphs, refiner), SAMPLES, ROWS, seed=0, progress=progress)
    assert (planner.rows, refiner.rows) == ([1, 3], [1, 1, 1, 3, 3, 3])
    assert progress.pieces == 4
    assert outcome.tokens.tolist() == [[[6] * 3] * 4, [[4] * 3] * 4]
    np.testing.assert_array_equal(outcome.refined, (TOKENS + NOISE)[ROWS])
    np.testing.assert_array_equal(outcome.acted, np.array([6, 4])[:, None, None] + NOISE[ROWS])
    assert np.abs(outcome.reseeded - outcome.acted).min() > 0


def test_the_other_noise_is_the_seeds_and_the_same_for_every_policy() -> None:
    logits = planner_logits(cast(PlannerGraph, Scripted()), SAMPLES, ROWS, SilentProgress())
    one, again, other = (
        policy_outcome(logits, cast(RefinerGraphs, Scripted()), SAMPLES, ROWS, seed=seed, progress=SilentProgress())
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.reseeded, again.reseeded)
    assert not np.array_equal(one.reseeded, other.reseeded)
    np.testing.assert_array_equal(one.acted, other.acted)


def test_the_refiner_alone() -> None:
    found = refined_actions(cast(RefinerGraphs, Scripted()), SAMPLES, ROWS, SilentProgress())
    np.testing.assert_array_equal(found, (TOKENS + NOISE)[ROWS])

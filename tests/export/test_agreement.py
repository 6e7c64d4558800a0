"""The figures behind the gates, on policies whose differences are known."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from libra_edge.action_space import ActionSpace
from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.export.agreement import compare_planners, compare_refiners
from libra_edge.export.policy_graphs import PolicyGraphs, SideBySide
from libra_edge.export.progress import SilentProgress

ROWS = np.array([0, 2])
SAMPLES = CalibrationSamples({"x": np.arange(3)}, np.ones(3, np.bool_))
SPACE = ActionSpace(np.radians([-90.0, -10.0]), np.radians([90.0, 10.0]), bins=10)


class Scripted:
    """Says the tokens and the actions it was given, for every sample."""

    planner_inputs = refiner_inputs = ("x",)

    def __init__(self, tokens: list[int] | None = None, actions: list[list[float]] | None = None) -> None:
        self.tokens = np.array(tokens)
        self.rows: list[int] = []
        self.answer = np.array(actions, np.float32)

    def logits(self, sample: dict[str, NDArray[Any]]) -> NDArray[Any]:
        self.rows.append(int(sample["x"][0]))
        logits: NDArray[Any] = np.eye(10, dtype=np.float32)[self.tokens].reshape(2, 2, 10)
        return logits

    def actions(self, sample: dict[str, NDArray[Any]]) -> NDArray[Any]:
        self.rows.append(int(sample["x"][0]))
        return self.answer


def side_by_side(fp32: Scripted, exported: Scripted) -> SideBySide:
    return SideBySide(cast(PolicyGraphs, fp32), cast(PolicyGraphs, exported), SAMPLES)


def test_tokens_are_counted_equal_and_near() -> None:
    fp32, exported = Scripted(tokens=[0, 4, 9, 5]), Scripted(tokens=[0, 5, 7, 5])
    found = compare_planners(side_by_side(fp32, exported), ROWS, SilentProgress())
    assert fp32.rows == exported.rows == [0, 2]
    assert (found.exact, found.within_one) == (0.5, 0.75)
    assert found.cosine == pytest.approx(0.5)
    assert found.tokens[1].tolist() == [[0, 5], [7, 5]]
    assert found.tokens_fp32[1].tolist() == [[0, 4], [9, 5]]


def test_actions_are_compared_in_degrees_of_each_joint() -> None:
    """A normalised 0.1 is 9 degrees of a joint that spans 180, and one of a joint that spans 20."""
    fp32, exported = Scripted(actions=[[0.0, 0.0], [0.5, 0.5]]), Scripted(actions=[[0.1, -0.1], [0.5, 0.5]])
    found = compare_refiners(side_by_side(fp32, exported), ROWS, SPACE, SilentProgress())
    np.testing.assert_allclose(found.largest_deg, [9.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(found.mean_deg, [4.5, 0.5], rtol=1e-6)

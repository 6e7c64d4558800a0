"""The figures behind the gates, on answers whose differences are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from libra_edge.action_space import ActionSpace
from libra_edge.export.agreement import action_difference, compare, compare_logits
from libra_edge.export.outcome import Outcome

SPACE = ActionSpace(np.radians([-90.0, -10.0]), np.radians([90.0, 10.0]), bins=10)
STILL = np.zeros((2, 1, 2), np.float32)


def logits(*tokens: list[int]) -> NDArray[np.float32]:
    """float32 [R, 2, 2, 10], sure of these tokens."""
    return np.asarray(np.eye(10, dtype=np.float32)[np.array(tokens)].reshape(len(tokens), 2, 2, 10))


def outcome() -> Outcome:
    return Outcome(np.array([0, 2]), logits([0, 4, 9, 5], [1, 1, 1, 1]), STILL, STILL, STILL + 0.2)


def test_tokens_are_counted_equal_and_near() -> None:
    found = compare_logits(logits([0, 4, 9, 5], [1, 1, 1, 1]), logits([0, 5, 7, 5], [1, 1, 1, 1]))
    assert (found.exact, found.within_one) == (0.75, 0.875)
    assert found.cosine == pytest.approx((0.5 + 1) / 2)
    assert found.error == pytest.approx(np.sqrt(4) / np.sqrt(8))
    assert found.tokens[0].tolist() == [[0, 5], [7, 5]]
    assert found.tokens_fp32[0].tolist() == [[0, 4], [9, 5]]


def test_logits_that_are_all_nothing() -> None:
    nothing = np.zeros((1, 2, 2, 10), np.float32)
    assert compare_logits(nothing, nothing).cosine == 1.0
    assert compare_logits(nothing, nothing).error == 0.0
    assert compare_logits(nothing, nothing + 1).cosine == 0.0


def test_actions_are_compared_in_degrees_of_each_joint() -> None:
    """A normalised 0.1 is 9 degrees of a joint that spans 180, and one of a joint that spans 20."""
    fp32 = np.array([[[0.0, 0.0], [0.5, 0.5]]], np.float32)
    exported = np.array([[[0.1, -0.1], [0.5, 0.5]]], np.float32)
    found = action_difference(fp32, exported, SPACE)
    np.testing.assert_allclose(found.largest_deg, [9.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(found.mean_deg, [4.5, 0.5], rtol=1e-6)


def test_the_refiner_alone_and_the_policy_are_told_apart() -> None:
    fp32 = outcome()
    found = compare(fp32, replace(fp32, refined=STILL + 0.1), SPACE)
    assert found.refiner.largest_deg.tolist() == pytest.approx([9.0, 1.0])
    assert found.policy.largest_deg.tolist() == [0.0, 0.0]
    assert found.rows.tolist() == [0, 2]
    assert found.planner.exact == 1.0


def test_what_export_moves_is_held_against_what_other_noise_moves() -> None:
    """Root mean squares over all joints: half of the way is half of it, in whatever unit."""
    fp32 = outcome()
    assert compare(fp32, replace(fp32, acted=STILL + 0.1), SPACE).seed_ratio == pytest.approx(0.5)
    assert compare(fp32, replace(fp32, acted=STILL - 0.2), SPACE).seed_ratio == pytest.approx(1.0)
    assert compare(fp32, replace(fp32, refined=STILL + 1, reseeded=STILL), SPACE).seed_ratio == 0.0


def test_a_large_change_of_one_joint_weighs_more_than_small_ones_of_all() -> None:
    fp32 = outcome()
    one_joint = np.array([0.1, 0.0], np.float32)
    ratio = compare(fp32, replace(fp32, acted=STILL + one_joint), SPACE).seed_ratio
    assert ratio == pytest.approx(9 / np.sqrt(18**2 + 2**2))


def test_a_policy_that_ignores_its_noise_may_be_moved_by_less_than_can_be_seen() -> None:
    """Its noise is no yardstick: a rounding error would be endlessly many times as large."""
    fp32 = replace(outcome(), reseeded=STILL)
    assert compare(fp32, fp32, SPACE).seed_ratio == 0.0
    assert compare(fp32, replace(fp32, acted=STILL + 1e-5), SPACE).seed_ratio < 0.01
    assert compare(fp32, replace(fp32, acted=STILL + 0.1), SPACE).seed_ratio > 1.0

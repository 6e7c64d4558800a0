"""Normalisation and tokens: the rule of the paper, and nothing lost on the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from libra_edge.action_space import ActionSpace

SPACE = ActionSpace(np.array([-1.0, 0.5, -3.0]), np.array([2.0, 0.75, -1.0]), 10)
normalised_arrays = arrays(np.float64, (4, 3), elements=st.floats(-1.0, 1.0))


@given(normalised_arrays)
def test_radians_and_normalised_are_inverse(normalised: np.ndarray) -> None:
    np.testing.assert_allclose(SPACE.normalise(SPACE.denormalise(normalised)), normalised, atol=1e-12)


@given(normalised_arrays)
def test_a_bin_centre_is_at_most_half_a_bin_away(normalised: np.ndarray) -> None:
    centres = SPACE.bin_centres(SPACE.tokens(normalised))
    assert np.abs(centres - normalised).max() <= 1.0 / SPACE.bins + 1e-12


@given(arrays(np.int64, (3,), elements=st.integers(0, 9)))
def test_a_bin_centre_lies_in_its_bin(tokens: np.ndarray) -> None:
    np.testing.assert_array_equal(SPACE.tokens(SPACE.bin_centres(tokens)), tokens)


@given(arrays(np.float64, (3,), elements=st.floats(-50.0, 50.0)))
def test_tokens_never_leave_the_bins(normalised: np.ndarray) -> None:
    tokens = SPACE.tokens(normalised)
    assert tokens.min() >= 0
    assert tokens.max() <= 9


def test_the_paper_s_rule_at_its_borders() -> None:
    tokens = SPACE.tokens(np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_array_equal(tokens, [0, 5, 9])
    np.testing.assert_array_equal(SPACE.tokens(np.full(3, -1e-9)), [4, 4, 4])


@pytest.mark.parametrize(
    ("low", "high", "bins"),
    [([0.0, 1.0], [1.0, 1.0], 10), ([0.0], [1.0], 1), ([0.0], [np.nan], 10), ([0.0, 0.0], [1.0], 10)],
)
def test_a_space_without_room_is_refused(low: list[float], high: list[float], bins: int) -> None:
    with pytest.raises(ValueError, match=r"low|bins"):
        ActionSpace(np.array(low), np.array(high), bins)

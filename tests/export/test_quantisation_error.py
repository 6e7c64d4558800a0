"""What INT8 loses, computed from a histogram: held against values that were really quantised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.export.quantisation_error import STEPS, quantisation_error
from libra_edge.export.ranges import BINS, Activation
from libra_edge.messages import Float64


def observed(values: Float64) -> Activation:
    magnitudes = np.abs(values)
    largest = float(magnitudes.max())
    counts = np.histogram(magnitudes, BINS, (0.0, largest or 1.0))[0]
    return Activation(largest, np.array([largest], np.float32), counts.astype(np.int64))


def really_lost(values: Float64, largest: float) -> float:
    step = largest / STEPS
    kept = step * np.clip(np.rint(values / step), -STEPS, STEPS)
    return float(np.linalg.norm(kept - values) / np.linalg.norm(values))


@given(
    seed=st.integers(0, 1000),
    reach=st.floats(0.05, 1.0),
    power=st.integers(1, 3),
)
def test_the_histogram_tells_what_is_really_lost(seed: int, reach: float, power: int) -> None:
    values = np.random.default_rng(seed).standard_normal(20_000) ** power
    activation = observed(values)
    largest = reach * activation.largest
    found = quantisation_error(activation, largest)
    assert found.total == pytest.approx(really_lost(values, largest), rel=0.1)


@given(scale=st.floats(1e-6, 1e6), reach=st.floats(0.1, 1.0))
def test_the_unit_does_not_matter(scale: float, reach: float) -> None:
    values = np.random.default_rng(0).standard_normal(5000)
    one, other = observed(values), observed(values * scale)
    first = quantisation_error(one, reach * one.largest)
    second = quantisation_error(other, reach * other.largest)
    assert first.total == pytest.approx(second.total, rel=0.02)


def test_even_values_lose_what_the_formula_says() -> None:
    """A step's width over the square root of 12 is lost, the signal is the range over the square root of 3."""
    activation = Activation(5.0, np.array([5.0], np.float32), np.full(BINS, 10, np.int64))
    found = quantisation_error(activation, 5.0)
    assert found.rounding == pytest.approx(1 / STEPS / 2, rel=0.01)
    assert found.clipping == 0.0
    assert found.usual_steps == pytest.approx(0.99 * STEPS, rel=1e-3)


def test_a_shorter_range_clips() -> None:
    activation = Activation(5.0, np.array([5.0], np.float32), np.full(BINS, 10, np.int64))
    assert quantisation_error(activation, 2.5).clipping == pytest.approx(np.sqrt(1 / 8), rel=0.01)


def test_a_tensor_of_zeros_loses_nothing() -> None:
    counts = np.zeros(BINS, np.int64)
    counts[0] = 100
    found = quantisation_error(Activation(0.0, np.zeros(1, np.float32), counts), 0.0)
    assert (found.total, found.usual_steps) == (0.0, 0.0)

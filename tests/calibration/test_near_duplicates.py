"""Samples that repeat others go; samples that differ in one thing stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libra_edge.calibration.near_duplicates import SAME_ANGLE_RAD, kept_rows, part_means
from libra_edge.calibration.sample_set import joined, thinned, without_duplicates
from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.errors import CalibrationError
from tests.calibration.scenes import scenes

COUNT, HEIGHT, WIDTH = 40, 90, 160


def samples(seed: int = 1, count: int = COUNT) -> CalibrationSamples:
    rng = np.random.default_rng(seed)
    arrays: dict[str, Any] = {
        "image_front": scenes(seed, count, HEIGHT, WIDTH),
        "state": rng.uniform(-1, 1, (count, 6)).astype(np.float32),
        "instruction": rng.integers(0, 9, (count, 5)),
        "tokens": rng.integers(0, 10, (count, 5, 6)),
    }
    return CalibrationSamples(arrays, np.arange(count) % 2 == 1)


def changed(one: CalibrationSamples, **arrays: np.ndarray) -> CalibrationSamples:
    return CalibrationSamples({**one.arrays, **arrays}, one.holdout)


def test_samples_that_differ_all_stay() -> None:
    assert np.all(kept_rows(samples()))


def test_a_second_reading_of_the_same_is_dropped_whole() -> None:
    once = samples()
    kept = kept_rows(joined([once, once]))
    np.testing.assert_array_equal(kept, np.arange(2 * COUNT) < COUNT)


def test_a_sensors_noise_makes_no_new_sample() -> None:
    once = samples()
    pictures = once.arrays["image_front"].astype(np.int16)
    noise = np.random.default_rng(3).integers(-6, 7, pictures.shape)
    noisy = changed(once, image_front=np.clip(pictures + noise, 0, 255).astype(np.uint8))
    assert np.sum(kept_rows(joined([once, noisy]))) == COUNT


@pytest.mark.parametrize("what", ["image_front", "state", "instruction"])
def test_one_thing_that_differs_is_enough(what: str) -> None:
    once = samples()
    other = once.arrays[what].copy()
    if what == "image_front":
        other[:, 10:20, 10:20] = 255 - other[:, 10:20, 10:20]
    elif what == "state":
        other[:, 3] += 2 * SAME_ANGLE_RAD
    else:
        other[:, 0] += 1
    assert np.sum(kept_rows(joined([once, changed(once, **{what: other})]))) == 2 * COUNT


def test_what_is_held_out_never_repeats_what_sets_ranges() -> None:
    once = samples()
    mirrored = CalibrationSamples(once.arrays, ~once.holdout)
    both = joined([mirrored, once])
    kept = kept_rows(both)
    assert np.all(kept[~both.holdout])
    assert not np.any(kept[both.holdout])


def test_too_little_left_is_refused_with_the_counts() -> None:
    still = samples()
    arrays = {name: np.repeat(array[:1], COUNT, axis=0) for name, array in still.arrays.items()}
    with pytest.raises(CalibrationError, match="1 samples for ranges are left once 19 near-duplicates are gone"):
        without_duplicates(Path("runs"), CalibrationSamples(arrays, still.holdout))


@settings(max_examples=15, deadline=None)
@given(st.integers(16, 60), st.integers(0, 1000))
def test_thinning_keeps_order_and_bounds(limit: int, seed: int) -> None:
    once = samples(count=80)
    less = thinned(once, limit=limit, seed=seed)
    for held_out in (False, True):
        assert np.sum(less.holdout == held_out) == min(limit, 40)
    where = [int(np.flatnonzero(np.all(once.arrays["state"] == row, axis=1))[0]) for row in less.arrays["state"]]
    assert where == sorted(where)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 16), st.integers(0, 20), st.integers(0, 20), st.integers(0, 99))
def test_the_parts_of_a_picture_are_its_means(rows: int, columns: int, taller: int, wider: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (2, rows + taller, columns + wider, 3), dtype=np.uint8)
    means = part_means(picture, (rows, columns))
    down = np.linspace(0, rows + taller, rows + 1).astype(int)
    across = np.linspace(0, columns + wider, columns + 1).astype(int)
    for row in range(rows):
        for column in range(columns):
            part = picture[:, down[row] : down[row + 1], across[column] : across[column + 1]]
            np.testing.assert_allclose(means[:, row, column], part.mean(axis=(1, 2)), rtol=1e-4, atol=1e-3)

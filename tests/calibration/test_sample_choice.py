"""Which moments become samples: never more than asked for, spread, and no episode of both kinds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.calibration import sample_choice
from libra_edge.calibration.sample_choice import affordable, choose
from libra_edge.model_spec import ModelSpec


@given(lengths=st.lists(st.integers(0, 60), max_size=12), limit=st.integers(1, 40), seed=st.integers(0, 1 << 32))
def test_every_choice_is_a_moment_and_each_kind_is_as_full_as_it_can_be(
    lengths: list[int], limit: int, seed: int
) -> None:
    chosen = choose(lengths, limit=limit, seed=seed)
    places = [(one.episode, one.moment) for one in chosen]
    assert places == sorted(set(places))
    assert all(0 <= moment < lengths[episode] for episode, moment in places)
    filled = [length for length in lengths if length]
    if len(filled) > 1:
        kinds = {episode: {one.held_out for one in chosen if one.episode == episode} for episode, _ in places}
        assert all(len(kind) == 1 for kind in kinds.values())
    counts = [sum(one.held_out == kind for one in chosen) for kind in (False, True)]
    assert max(counts, default=0) <= limit
    assert sum(counts) == sum(filled) or limit in counts
    assert chosen == choose(lengths, limit=limit, seed=seed)


def test_half_of_the_episodes_is_held_out_whatever_their_order() -> None:
    kinds = np.array([[one.held_out for one in choose([1] * 10, limit=9, seed=seed)] for seed in range(40)])
    assert set(kinds.sum(axis=1)) == {5}
    assert (kinds.mean(axis=0) > 0.1).all()
    assert (kinds.mean(axis=0) < 0.9).all()


def test_choices_are_spread_over_episodes_and_phases() -> None:
    chosen = choose([100] * 20, limit=50, seed=3)
    assert {one.episode for one in chosen} == set(range(20))
    assert len(chosen) == 100
    counts = np.histogram([one.moment for one in chosen], bins=5, range=(0, 100))[0]
    assert counts.min() >= 10


def test_phases_are_spread_even_if_each_episode_gives_one_sample() -> None:
    moments = [one.moment for one in choose([100] * 64, limit=32, seed=0)]
    assert np.histogram(moments, bins=4, range=(0, 100))[0].min() >= 6


def test_of_one_episode_the_first_half_calibrates() -> None:
    chosen = choose([0, 41, 0], limit=100, seed=0)
    assert [one.held_out for one in chosen] == [False] * 20 + [True] * 21


def test_samples_that_would_not_fit_into_memory_are_not_taken_and_that_is_said(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert affordable(spec, 256) == 256
    assert caplog.text == ""
    monkeypatch.setattr(sample_choice, "MAX_BYTES", 2 * 20 * 3 * (180 * 320 + 240 * 424))
    assert affordable(spec, 256) == 20
    assert "only 20 calibration samples of each kind are taken, not 256" in caplog.text

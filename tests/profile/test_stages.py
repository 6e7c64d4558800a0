"""Stages of a run: each has its own time, together they are the whole, and what they do not explain is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.profiling.figures import figures_of
from libra_edge.profiling.path import PATH, chunk_paths
from libra_edge.profiling.side_by_side import Calls
from libra_edge.profiling.stages import by_name, model_stages, run_stages, sums_of
from tests.profile.made_log import UNEXPLAINED_MS, WAY_MS, made_log, made_side


def test_each_stage_of_a_chunks_way_has_its_own_time() -> None:
    paths = chunk_paths(made_log())
    assert [path.chunk.chunk_id for path in paths] == [0, 2], "chunk 1 was never followed"
    for path in paths:
        assert path.stages_ms == pytest.approx(WAY_MS)
        assert path.end_to_end_ms == pytest.approx(sum(WAY_MS.values()) + UNEXPLAINED_MS)
        assert path.unexplained_ms == pytest.approx(UNEXPLAINED_MS)
    assert tuple(WAY_MS) == PATH


def test_the_sums_tell_what_is_not_explained() -> None:
    sums = sums_of(chunk_paths(made_log()))
    assert sums is not None
    whole = sum(WAY_MS.values()) + UNEXPLAINED_MS
    assert sums.end_to_end_ms == pytest.approx(whole)
    assert sums.stages_ms == pytest.approx(whole - UNEXPLAINED_MS)
    assert sums.difference_percent == pytest.approx(100 * UNEXPLAINED_MS / whole, abs=1e-3)
    assert sums.chunks == 2
    assert sums_of([]) is None


def test_a_stage_that_is_counted_twice_shows_in_the_sums() -> None:
    paths = [replace(p, stages_ms={**p.stages_ms, "wait": 2 * WAY_MS["wait"]}) for p in chunk_paths(made_log())]
    sums = sums_of(paths)
    assert sums is not None
    assert sums.difference_percent > 3


def test_stages_within_and_beside_a_chunks_way() -> None:
    log, side = made_log(), made_side()
    stages = by_name(run_stages(log, chunk_paths(log), side))
    assert [name for name, stage in stages.items() if stage.on_path] == list(PATH)
    medians = {name: stage.figures.p50 for name, stage in stages.items()}
    assert medians["refiner_encoder"] == pytest.approx(3.0)
    assert medians["refiner_step"] == pytest.approx(5.0), "all steps of a chunk together"
    assert medians["refiner_host"] == pytest.approx(1.0)
    assert medians["planner"] == pytest.approx(3.0)
    assert medians["planner_engine"] == pytest.approx(2.0)
    assert medians["intent"] == pytest.approx(100.0 - 3.0 + 26.5)
    assert medians["bus_read"] == pytest.approx(1.4)
    assert stages["refiner_step"].part_of == "refiner"


def test_a_system_alone_and_beside_the_other() -> None:
    stages = by_name(model_stages(made_side()))
    alone, beside = stages["refiner"].alone, stages["refiner"].beside
    assert alone is not None
    assert beside is not None
    assert (alone.p99, beside.p99, beside.n) == (10.0, 19.0, 10)
    assert stages["refiner"].figures == beside
    assert stages["refiner_host"].figures.p50 == pytest.approx(1.0)


def test_what_was_never_called_has_no_stage() -> None:
    side = replace(made_side(), both=Calls(), alone=Calls())
    assert model_stages(side) == []


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=300))
def test_quantiles_are_times_that_were_measured(times: list[float]) -> None:
    figures = figures_of(times)
    assert figures is not None
    ordered = np.sort(times)
    for share, found in ((0.5, figures.p50), (0.9, figures.p90), (0.99, figures.p99), (1.0, figures.max)):
        rank = max(1, int(np.ceil(np.round(share * len(times), 9))))
        assert found == pytest.approx(ordered[rank - 1], abs=1e-4)
    assert figures.n == len(times)


def test_the_quantiles_of_two_hundred_times() -> None:
    figures = figures_of(float(number) for number in range(200, 0, -1))
    assert figures is not None
    assert (figures.p50, figures.p90, figures.p99, figures.max, figures.mean) == (100, 180, 198, 200, 100.5)


def test_no_times_have_no_figures() -> None:
    assert figures_of([]) is None

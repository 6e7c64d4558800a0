"""The figures of the coverage, on samples whose coverage is known."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from libra_edge.calibration.coverage import SHARES, Coverage, as_json, coverage_of
from libra_edge.calibration.samples import CalibrationSamples, read_samples
from libra_edge.cli.coverage_view import show_coverage
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_spec import ModelSpec


@pytest.fixture
def known(tiny: Path, spec: ModelSpec) -> CalibrationSamples:
    """Joint 0 over the lower half of its range, joint 1 in one place; in the front picture one corner changes."""
    given = read_samples(tiny / "calibration.npz", spec)
    arrays = {name: array.copy() for name, array in given.arrays.items()}
    count, low, high = len(given.holdout), spec.action.low, spec.action.high
    arrays["state"][:, 0] = np.linspace(low[0] + 1e-4, (low[0] + high[0]) / 2 - 1e-4, count)
    arrays["state"][:, 1] = (low[1] + high[1]) / 2 + 1e-4
    front = np.repeat(arrays["image_front"][:1], count, axis=0)
    front[: count // 4, : front.shape[1] // 6, : front.shape[2] // 8] = 255
    front[count // 4 :, : front.shape[1] // 6, : front.shape[2] // 8] = 0
    arrays["image_front"] = front
    arrays["tokens"][..., 0] = 0
    return CalibrationSamples(arrays, given.holdout)


@pytest.fixture
def coverage(known: CalibrationSamples, spec: ModelSpec, encoder: InstructionEncoder) -> Coverage:
    return coverage_of(known, spec, encoder)


def test_a_joint_is_covered_where_it_was_seen(coverage: Coverage, spec: ModelSpec) -> None:
    half, still = coverage.joints[:2]
    assert half.share == 0.5
    assert all(half.histogram[: SHARES // 2])
    assert not any(half.histogram[SHARES // 2 :])
    low, high = spec.action.low[0], spec.action.high[0]
    assert (half.low, half.high) == pytest.approx((low, (low + high) / 2), abs=1e-3)
    assert still.share == 1 / SHARES
    assert sum(still.histogram) == coverage.calibration + coverage.held_out


def test_a_picture_is_covered_where_something_changes(coverage: Coverage) -> None:
    (front,) = (one for one in coverage.pictures if one.camera == "front")
    assert front.changed[0, 0] == 0.25
    assert np.count_nonzero(front.changed) == 1
    assert front.share == 1 / front.changed.size


def test_action_bins_and_tasks_are_counted(coverage: Coverage, known: CalibrationSamples, spec: ModelSpec) -> None:
    assert coverage.token_share[0] == 1 / spec.policy.bins
    assert all(share > coverage.token_share[0] for share in coverage.token_share[1:])
    assert sum(count for _, count in coverage.tasks) == len(known.holdout)


def test_a_joint_outside_its_range_is_counted_at_its_end(
    known: CalibrationSamples, spec: ModelSpec, encoder: InstructionEncoder
) -> None:
    state = known.arrays["state"].copy()
    state[:, 2] = spec.action.high[2] + 0.5
    found = coverage_of(CalibrationSamples({**known.arrays, "state": state}, known.holdout), spec, encoder).joints[2]
    assert found.histogram[-1] == len(known.holdout)
    assert found.high > found.model_high


def test_json_has_it_all_and_no_numpy(coverage: Coverage, spec: ModelSpec) -> None:
    document = json.loads(json.dumps(as_json(coverage), allow_nan=False))
    assert set(document["joints"]) == set(spec.action.joints)
    assert set(document["images"]) == {"front", "wrist"}
    assert document["samples"] == {"calibration": coverage.calibration, "held_out": coverage.held_out}


def test_the_terminal_shows_bars_a_heat_map_and_what_is_narrow(
    coverage: Coverage, caplog: pytest.LogCaptureFixture
) -> None:
    console = Console(record=True, width=120, force_terminal=True, file=io.StringIO())
    show_coverage(coverage, {"calibration": 3, "held_out": 2}, console)
    shown = console.export_text()
    assert "near-duplicates removed: 3 calibration and 2 held out" in shown
    assert coverage.joints[0].name in shown
    assert "█" in shown
    assert "camera front" in shown
    assert " 25 " in shown
    assert f"joint {coverage.joints[1].name}: only 5 % was seen" in caplog.text
    assert "camera front: only 2 % was seen" in caplog.text
    assert f"joint {coverage.joints[0].name}" not in caplog.text

"""Tuning: one bad layer goes back and few others, an overflow goes to FP32, and then the gates hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from libra_edge.bundle import Target
from libra_edge.export import bench as bench_module
from libra_edge.export.exporter import ExportOptions, ExportResult, export_model
from libra_edge.export.int8_tuning import WAYS
from libra_edge.export.latency import Latency
from libra_edge.export.precision import SAFE_FP32, Precision, read_precision
from libra_edge.export.progress import SilentProgress
from libra_edge.model_directory import open_model_directory
from tests.export.faults import MIXING, plant_large_product, plant_large_weight, plant_outlier

SAVES = Latency(ms=1.0, ms_fp32=2.0, saved_ms=1.0, turns=5)
SAVES_NOTHING = Latency(ms=1.0, ms_fp32=1.0, saved_ms=-0.1, turns=5)


@pytest.fixture(autouse=True)
def every_group_saves_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_module, "measure_latency", lambda *_: SAVES)


def tuned(model: Path, out: Path, target: Target, **choices: Any) -> tuple[ExportResult, Precision]:
    options = ExportOptions(out, targets=(target,), tune=True, **choices)
    result = export_model(open_model_directory(model), options, SilentProgress())
    found = read_precision(model, target)
    assert found is not None
    return result, found


@pytest.mark.parametrize("target", ["cpu", "tensorrt"])
def test_one_bad_layer_goes_back_and_few_others(target: Target, copied: Path, tmp_path: Path) -> None:
    plant_outlier(copied)
    plain = ExportOptions(tmp_path / "plain", targets=(target,))
    assert export_model(open_model_directory(copied), plain, SilentProgress()).failed
    result, found = tuned(copied, tmp_path / "tuned", target, refiner="fp32")
    assert MIXING in found.planner.not_int8
    assert len(found.planner.not_int8) <= 2
    assert result.sha256, [gate.name for gate in result.failed]
    again = export_model(
        open_model_directory(copied), ExportOptions(tmp_path / "again", (target,), refiner="fp32"), SilentProgress()
    )
    assert again.sha256 == result.sha256, "a plain export follows the file"


def test_what_was_tried_is_kept(copied: Path, tmp_path: Path) -> None:
    _, found = tuned(copied, tmp_path / "out", "tensorrt", refiner="fp32")
    assert len(found.methods) == len(WAYS)
    assert sum(method.chosen for method in found.methods) == 1
    rows = {(row.stage, row.precision, row.group) for row in found.sensitivity}
    assert {("planner", "int8", group) for group in ("vision tower", "words and state", "FFN", "head")} <= rows
    assert ("planner", "fp16", "products") in rows
    assert all(row.saved_ms is None for row in found.sensitivity), "it does not run here"
    assert not found.planner.not_int8
    assert set(found.measured_on) == {"planner.onnx", "refiner_encoder.onnx", "refiner_step.onnx"}


def test_groups_whose_int8_saves_no_time_go_back(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest is tried first, and here it is the only one."""
    answers = iter([SAVES_NOTHING, SAVES, SAVES, SAVES])
    monkeypatch.setattr(bench_module, "measure_latency", lambda *_: next(answers))
    result, found = tuned(copied, tmp_path / "out", "cpu")
    assert found.planner.not_int8 == ("words and state",)
    assert {row.group: row.kept for row in found.sensitivity} == {
        "vision tower": True,
        "words and state": False,
        "FFN": True,
        "head": True,
    }
    assert "words and state" not in [group for group, is_what in _layers(result).items() if "int8" in is_what]


def _layers(result: ExportResult) -> dict[str, str]:
    return dict(result.targets["cpu"].stages["planner"].layers)


def test_a_refiner_node_that_overflows_fp16_goes_to_fp32(copied: Path, tmp_path: Path) -> None:
    name = plant_large_product(copied)
    plain = ExportOptions(tmp_path / "plain", targets=("tensorrt",))
    failed = [gate.name for gate in export_model(open_model_directory(copied), plain, SilentProgress()).failed]
    assert "refiner_action_largest_deg" in failed
    result, found = tuned(copied, tmp_path / "tuned", "tensorrt", planner="fp32")
    assert name in found.refiner.fp32
    assert len([one for one in found.refiner.fp32 if one not in SAFE_FP32]) <= 2
    assert result.sha256, [gate.name for gate in result.failed]


def test_a_refiner_weight_that_overflows_fp16_goes_to_fp32(copied: Path, tmp_path: Path) -> None:
    plant_large_weight(copied, 1e6)
    result, found = tuned(copied, tmp_path / "tuned", "tensorrt", planner="fp32")
    assert "/matmul_15" in found.refiner.fp32 or "/matmul_7" in found.refiner.fp32
    assert result.sha256, [gate.name for gate in result.failed]


def test_bf16_holds_what_fp16_does_not(copied: Path, tmp_path: Path) -> None:
    name = plant_large_product(copied)
    found = {
        half: tuned(copied, tmp_path / half, "tensorrt", planner="fp32", refiner=half)[1] for half in ("fp16", "bf16")
    }
    products = {
        half: next(row for row in precision.sensitivity if (row.stage, row.group) == ("refiner", "products"))
        for half, precision in found.items()
    }
    assert {half: row.precision for half, row in products.items()} == {"fp16": "fp16", "bf16": "bf16"}
    assert name in found["fp16"].refiner.fp32
    assert products["bf16"].error < products["fp16"].error < 360

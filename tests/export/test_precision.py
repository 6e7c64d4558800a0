"""`precision.<target>.toml`: what comes back of it, what is refused, and when it is out of date."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from libra_edge.bundle import Target, sha256_of
from libra_edge.errors import ModelDirectoryError
from libra_edge.export.precision import (
    SAFE_FP32,
    Calibrating,
    PlannerPrecision,
    Precision,
    RefinerPrecision,
    Sensitivity,
    outdated,
    precision_file,
    read_precision,
    write_precision,
)
from libra_edge.model_directory import GRAPHS, open_model_directory
from libra_edge.toml_file import MAX_BYTES

MEASURED = Precision(
    planner=PlannerPrecision(not_int8=("head", "/gemm_3"), fp32=("softmax",)),
    refiner=RefinerPrecision(fp32=()),
    measured_on={"planner.onnx": "0" * 64},
    sensitivity=(
        Sensitivity(
            stage="planner",
            group="head",
            precision="int8",
            nodes=1,
            share=0.25,
            error=0.5,
            exact=0.75,
            saved_ms=-0.125,
            kept=False,
        ),
    ),
)


@pytest.mark.parametrize("target", ["cpu", "tensorrt"])
def test_it_comes_back_as_it_was_written(target: Target, tmp_path: Path) -> None:
    assert read_precision(tmp_path, target) is None
    write_precision(tmp_path, target, MEASURED)
    assert [path.name for path in tmp_path.iterdir()] == [precision_file(target)] == [f"precision.{target}.toml"]
    assert read_precision(tmp_path, target) == MEASURED
    text = (tmp_path / precision_file(target)).read_text()
    assert text.startswith(f"# Measured by `libra-edge export --tune` for target {target}")
    write_precision(tmp_path, target, MEASURED)
    assert (tmp_path / precision_file(target)).read_text() == text
    write_precision(tmp_path, target, Precision())
    assert read_precision(tmp_path, target) == Precision()


def test_without_a_measurement_products_alone_are_16_bit_and_every_layer_is_int8() -> None:
    assert Precision().planner.fp32 == Precision().refiner.fp32 == SAFE_FP32
    assert "products" not in SAFE_FP32
    assert Precision().planner.not_int8 == ()
    assert Precision().planner.calibrating == Calibrating(method="min-max", smoothing=0.0)


def test_ways_of_setting_ranges_have_names_for_people() -> None:
    assert Calibrating().label == "min-max"
    assert Calibrating(method="percentile", percentile=99.99).label == "percentile 99.99"
    assert Calibrating(method="min-max", smoothing=0.5).label == "min-max, smoothed by 0.5"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("planner = 3", "planner: Input should be a valid"),
        ("[planner]\ncolour = 1", "planner.colour: Extra inputs are not permitted"),
        ('[planner]\nnot_int8 = "head"', "planner.not_int8: Input should be a valid tuple"),
        ('[measured_on]\n"planner.onnx" = "abc"', "String should match pattern"),
        ("schema_version = 2", "schema_version: Input should be 1"),
        ("[planner", "is not TOML"),
        ("#" * (MAX_BYTES + 1), f"is larger than {MAX_BYTES} bytes"),
    ],
)
def test_a_file_that_is_not_understood_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "precision.cpu.toml").write_text(text)
    with pytest.raises(ModelDirectoryError, match=r"precision\.cpu\.toml") as caught:
        read_precision(tmp_path, "cpu")
    assert words in str(caught.value)
    assert str(caught.value).endswith("; make it anew with --tune, or remove it")
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("method", "number"), [("write_text", errno.EROFS), ("replace", errno.EACCES)])
def test_a_folder_that_may_not_be_written_to(
    method: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_precision(tmp_path, "cpu", MEASURED)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, method, refuse)
    with pytest.raises(ModelDirectoryError, match=r"precision\.cpu\.toml cannot be written \(.*\); tune a copy"):
        write_precision(tmp_path, "cpu", Precision())
    assert [path.name for path in tmp_path.iterdir()] == ["precision.cpu.toml"]
    assert read_precision(tmp_path, "cpu") == MEASURED


def test_it_is_outdated_once_a_graph_changes(copied: Path) -> None:
    directory = open_model_directory(copied)
    hashes = {f"{name}.onnx": sha256_of(directory.graph(name)) for name in GRAPHS}
    assert not outdated(Precision(measured_on=hashes), directory)
    assert outdated(Precision(), directory)
    (copied / "refiner_step.onnx").write_bytes((copied / "refiner_step.onnx").read_bytes() + b"\0")
    assert outdated(Precision(measured_on=hashes), directory)


def test_weights_beside_a_graph_are_measured_on_too(copied: Path) -> None:
    directory = open_model_directory(copied)
    hashes = {f"{name}.onnx": sha256_of(directory.graph(name)) for name in GRAPHS}
    (copied / "planner.onnx.data").write_bytes(b"weights")
    assert outdated(Precision(measured_on=hashes), directory)
    hashes["planner.onnx.data"] = sha256_of(copied / "planner.onnx.data")
    assert not outdated(Precision(measured_on=hashes), directory)

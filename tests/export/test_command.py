"""`libra-edge export`: exit codes, JSON keys, and where the sentences go."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from libra_edge.bundle import open_bundle
from libra_edge.cli.main import run_command
from tests.export.test_exporter import with_planted_fault

STAGE_KEYS = {"precision", "bytes", "bytes_fp32", "ms", "ms_fp32", "int8_mac_share"}


def test_json_keeps_its_keys(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["export", str(tiny), "--out", str(tmp_path / "it"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["bundle"] == str(tmp_path / "it")
    assert result["bundle_sha256"] == open_bundle(tmp_path / "it").sha256
    assert set(result["targets"]["cpu"]["planner"]) == set(result["targets"]["cpu"]["refiner"]) == STAGE_KEYS
    assert result["targets"]["cpu"]["planner"]["ms_fp32"] > 0
    assert {"target", "name", "value", "threshold", "verdict"} <= set(result["gates"][0])
    assert result["seconds"] > 0
    assert result["peak_rss_mb"] > 10


def test_the_bundle_goes_to_bundles_by_default(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["export", str(tiny)]) == 0
    assert capsys.readouterr().out == ""
    assert open_bundle(tmp_path / "bundles" / "tiny").manifest.name == "tiny"


def test_a_failed_gate_ends_in_one_and_says_which(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_planted_fault(copied)
    assert run_command(["export", str(copied), "--out", str(tmp_path / "it"), "--json"]) == 1
    output = capsys.readouterr()
    assert json.loads(output.out)["bundle"] is None
    assert "nothing was written, for these gates failed: planner_tokens_exact" in output.err
    assert "--accept planner_tokens_exact" in output.err


def test_check_writes_nothing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["export", str(tiny), "--check", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["samples"] == {"calibration": 24, "held_out": 24}
    assert result["parameters"]["planner"] > 30_000
    assert list(tmp_path.iterdir()) == []


def test_check_finds_what_export_would_find(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copied / "refiner_step.onnx").write_bytes(b"\x08")
    assert run_command(["export", str(copied), "--check"]) == 2
    assert "refiner_step.onnx cannot be read, it is truncated or not ONNX" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no_such_model"], "model directory no_such_model: there is no such model"),
        (["{tiny}", "--out", "{tiny}"], "which is no bundle; choose another --out"),
        (["{tiny}", "--accept", "beauty"], "there is no such gate; gates are"),
        (["{tiny}", "--planner", "int4"], "'int4' is not one of"),
        (["{tiny}", "--calibration", "none.npz"], "calibration samples none.npz: "),
    ],
)
def test_bad_input_ends_in_two_and_one_sentence(
    tiny: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["export", *(argument.format(tiny=tiny) for argument in arguments)]) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_a_missing_file_of_the_model_is_named(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copied / "tokenizer.json").unlink()
    assert run_command(["export", str(copied)]) == 2
    assert "missing tokenizer.json; a model directory holds" in capsys.readouterr().err


def test_onnx_missing_says_what_to_install(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert run_command(["export", str(tiny)]) == 2
    assert "pip install 'libra-edge[export]'" in capsys.readouterr().err

"""`libra-edge export`: exit codes, JSON keys, and where the sentences go."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from libra_edge.bundle import open_bundle
from libra_edge.cli.main import run_command
from libra_edge.export.gates import GATES
from tests.export.faults import darken_calibration

STAGE_KEYS = {"precision", "bytes", "bytes_fp32", "ms", "ms_fp32", "int8_mac_share"}


def test_json_keeps_its_keys(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["export", str(tiny), "--out", str(tmp_path / "it"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["bundle"] == str(tmp_path / "it")
    assert result["bundle_sha256"] == open_bundle(tmp_path / "it").sha256
    assert list(result["targets"]) == ["cpu", "tensorrt"]
    for target, stages in result["targets"].items():
        assert {stage: stages[stage]["precision"] for stage in stages} == {"planner": "int8", "refiner": "fp16"}
        for stage in stages.values():
            assert set(stage) == STAGE_KEYS
            assert 0 < stage["bytes"] < stage["bytes_fp32"]
            if target == "cpu":
                assert min(stage["ms"], stage["ms_fp32"]) > 0
            else:
                assert stage["ms"] is stage["ms_fp32"] is stage["int8_mac_share"] is None, "it does not run here"
    shares = [result["targets"]["cpu"][stage]["int8_mac_share"] for stage in ("planner", "refiner")]
    assert shares == [1.0, None]
    assert [(gate["target"], gate["name"]) for gate in result["gates"]] == [
        (target, name) for target in ("cpu", "tensorrt") for name in GATES
    ]
    assert all({"target", "name", "value", "threshold", "verdict"} <= set(gate) for gate in result["gates"])
    assert {gate["verdict"] for gate in result["gates"] if gate["value"] is not None} == {"passed"}
    assert result["seconds"] > 0
    assert result["peak_rss_mb"] > 10


def test_the_bundle_goes_to_bundles_by_default(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["export", str(tiny), "--target", "cpu"]) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert "Bundle bundles/tiny" in " ".join(output.err.split())
    assert open_bundle(tmp_path / "bundles" / "tiny").manifest.name == "tiny"


def test_a_failed_gate_ends_in_one_and_says_which(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    darken_calibration(copied)
    assert run_command(["export", str(copied), "--out", str(tmp_path / "it"), "--json"]) == 1
    output = capsys.readouterr()
    result = json.loads(output.out)
    assert result["bundle"] is result["bundle_sha256"] is None
    assert {gate["target"] for gate in result["gates"] if gate["verdict"] == "failed"} == {"cpu", "tensorrt"}
    said = " ".join(output.err.split())
    assert "for these gates failed: planner_tokens_exact on cpu (0." in said
    assert "planner_tokens_exact on tensorrt (0." in said
    assert said.partition("to export all the same: ")[2].count("--accept planner_tokens_exact") == 1
    assert not (tmp_path / "it").exists()


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
        (["{tiny}", "--target", "cpu,tpu"], "'tpu' is no target; there are cpu, tensorrt"),
        (["{tiny}", "--target", ""], "'' is no target"),
        (["{tiny}", "--seed", "-1"], "-1 is not in the range"),
        (["{tiny}", "--closed-loop", "0"], "0 is not in the range"),
        (["{tiny}", "--calibration", "none.npz"], "calibration samples none.npz: "),
    ],
)
def test_bad_input_ends_in_two_and_one_sentence(
    tiny: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["export", *(argument.format(tiny=tiny) for argument in arguments)]) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_the_table_holds_every_gate_and_one_column_a_target(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert run_command(["export", str(tiny), "--target", "tensorrt, cpu", "--out", str(tmp_path / "it")]) == 0
    lines = capsys.readouterr().err.splitlines()
    (heading,) = (line for line in lines if "gate" in line and "cpu" in line)
    assert heading.index("cpu") < heading.index("tensorrt")
    for name in GATES:
        (row,) = (line for line in lines if f" {name} " in line)
        assert row.count("passed") + row.count("not run") == 2
        assert f"= {GATES[name].value:g} " in row


@pytest.mark.parametrize("target", ["cpu", "tensorrt"])
def test_one_target_alone(target: str, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "it"
    choices = ["--planner", "fp32", "--refiner", "fp32"]
    assert run_command(["export", str(tiny), "--target", target, "--out", str(out), "--json", *choices]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["targets"]) == [target]
    assert {gate["target"] for gate in result["gates"]} == {target}
    assert list(open_bundle(out).manifest.targets) == [target]


def test_tuning_writes_its_file_and_says_nothing_of_safe_precisions(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    arguments = ["export", str(copied), "--target", "tensorrt", "--out", str(tmp_path / "it"), "--json"]
    assert run_command([*arguments, "--tune"]) == 0
    tuned = json.loads(capsys.readouterr().out)
    assert (copied / "precision.tensorrt.toml").is_file()
    assert run_command(arguments) == 0
    assert json.loads(capsys.readouterr().out)["bundle_sha256"] == tuned["bundle_sha256"]
    assert caplog.records == []


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

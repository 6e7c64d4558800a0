"""`libra-edge profile` on TensorRT, over stand-ins: a system is one GPU job, and its parts are told apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from libra_edge.bundle import Bundle, open_bundle
from libra_edge.cli import profile_run, run_backend
from libra_edge.cli.device_engines import engines_of
from libra_edge.cli.main import run_command
from libra_edge.cli.run_backend import load_on
from libra_edge.profiling import gpu_peaks
from tests.cuda.software_device import Device
from tests.cuda.software_jetson import software_jetson
from tests.models import write_tiny_bundle
from tests.profile.test_trace import check_structure

PARTS = ("input_update", "launch", "device", "output_copy", "host")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Device:
    monkeypatch.setattr(gpu_peaks, "SIDE", 16)
    monkeypatch.setattr(gpu_peaks, "COPIED_BYTES", (64, 256))
    return software_jetson(monkeypatch, tmp_path / "cache")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


def profile(bundle: Path, out: Path) -> int:
    options = ("--robot", "none", "--backend", "tensorrt", "--seconds", "0.3", "--json")
    return run_command(["profile", "--bundle", str(bundle), "--out", str(out), *options])


def test_host_and_device_are_told_apart(
    bundle: Path, tmp_path: Path, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    assert profile(bundle, tmp_path / "out") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["runs_on"].endswith("Orin")
    assert list(found["stages"]) == [
        name for system in ("planner", "refiner") for name in (system, *(f"{system}_{part}" for part in PARTS))
    ]
    for system in ("planner", "refiner"):
        parts = sum(found["stages"][f"{system}_{part}"]["mean"] for part in PARTS)
        assert parts == pytest.approx(found["stages"][system]["mean"], rel=0.03)
    assert set(found["memory_mb"]["engines"]) == {"planner", "refiner_encoder", "refiner_step"}
    trace = json.loads(Path(found["trace"]).read_text())
    check_structure(trace)
    names = {event["args"].get("name") for event in trace["traceEvents"] if event["ph"] == "M"}
    assert names >= {"GPU", "stream planner (low priority)", "stream refiner (high priority)"}
    assert device.cuda.violations == []


def test_an_engine_that_this_device_does_not_take_is_exit_code_2(
    bundle: Path, tmp_path: Path, device: Device, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(*arguments: object) -> object:
        def then_refused(bundle: Bundle) -> object:
            found = engines_of(bundle)
            device.faults.refuses_plans = True
            return found

        monkeypatch.setattr(run_backend, "engines_of", then_refused)
        return load_on(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(profile_run, "load_on", spoilt)
    assert profile(bundle, tmp_path / "out") == 2
    sentence = capsys.readouterr().err.strip().splitlines()[-1]
    assert "cannot load" in sentence
    assert "delete it, and it is built anew here" in sentence


def test_layers_limits_and_a_prediction_for_another_board(
    bundle: Path, tmp_path: Path, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--robot", "none", "--backend", "tensorrt", "--seconds", "0.3", "--predict", "orin-nx-16", "--json")
    assert run_command(["profile", "--bundle", str(bundle), "--out", str(tmp_path / "out"), *options]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    steps = open_bundle(bundle).spec.policy.denoising_steps
    assert {layer["stage"]: layer["ms"] for layer in found["layers"]} == {
        "planner_engine": 1.0,
        "refiner_encoder": 1.0,
        "refiner_step": float(steps),
    }
    assert [(one["stage"], one["layers_ms"]) for one in found["layer_sums"]] == [
        ("planner_device", 1.0),
        ("refiner_device", 1.0 + steps),
    ]
    assert set(found["roofline"]["measured"]["flops"]) == {"int8", "fp16", "bf16", "fp32"}
    assert set(found["predictions"]) == {"orin-nx-16"}, "nothing is known of this machine's losses"
    assert device.cuda.violations == []


def test_an_engine_without_detailed_layers_is_exit_code_2(
    bundle: Path, tmp_path: Path, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    device.faults.layers = json.dumps({"Layers": ["gemm", "softmax"]})
    assert profile(bundle, tmp_path / "out") == 2
    sentence = capsys.readouterr().err.strip().splitlines()[-1]
    assert "was built without detailed layer information; delete the folder" in " ".join(sentence.split())

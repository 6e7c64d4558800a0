"""What the command line shows and prints of the engines on a device."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from libra_edge.cli.device_engines import build_engines
from libra_edge.cuda_device import CudaDevice
from libra_edge.errors import MissingHardwareError
from libra_edge.export import engine_cache
from tests.tensorrt.small_bundle import GRAPHS, write_small_bundle
from tests.tensorrt.software_tensorrt import software_tensorrt

ROOT = Path(__file__).resolve().parents[2]


def test_rows_for_json_and_lines_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_small_bundle(tmp_path / "small")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(engine_cache, "first_cuda_device", lambda: CudaDevice("Orin", (8, 7)))
    monkeypatch.setattr(engine_cache, "load_tensorrt", software_tensorrt)
    rows = build_engines(tmp_path / "small", workspace_mb=64)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert [row["graph"] for row in rows] == list(GRAPHS)
    assert all(Path(str(row["engine"])).stat().st_size == row["bytes"] and row["built"] for row in rows)
    assert not any(row["built"] for row in build_engines(tmp_path / "small", workspace_mb=64))
    assert capsys.readouterr().out == ""


def test_building_on_a_device_needs_neither_onnx_nor_onnx_runtime() -> None:
    code = "import sys, libra_edge.cli.device_engines\nprint(*({'onnx', 'onnxruntime', 'tensorrt'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_without_a_gpu_nothing_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> CudaDevice:
        raise MissingHardwareError("no NVIDIA GPU")

    write_small_bundle(tmp_path / "small")
    monkeypatch.setattr(engine_cache, "first_cuda_device", none)
    with pytest.raises(MissingHardwareError):
        build_engines(tmp_path / "small")

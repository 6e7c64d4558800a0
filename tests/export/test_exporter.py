"""The whole road from a model directory to a bundle, and what a fault on it leaves behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from libra_edge.bundle import MANIFEST, manifest_bytes, open_bundle, sealed, sha256_of
from libra_edge.calibration.samples import read_samples
from libra_edge.errors import BundleError, CalibrationError, ConfigError, ModelDirectoryError
from libra_edge.export import exporter
from libra_edge.export.exporter import ExportOptions, ExportResult, export_model
from libra_edge.export.progress import SilentProgress
from libra_edge.model_directory import open_model_directory

ROOT = Path(__file__).resolve().parents[2]


def export(model: Path, out: Path, **choices: Any) -> ExportResult:
    return export_model(open_model_directory(model), ExportOptions(out, **choices), SilentProgress())


def test_the_bundle_opens_and_tells_what_it_is(tiny_bundle: Path, tiny: Path) -> None:
    bundle = open_bundle(tiny_bundle)
    target = bundle.manifest.targets["cpu"]
    assert target.planner.precision == "int8"
    assert target.planner.bytes < 0.4 * target.planner.bytes_fp32
    assert target.refiner.precision == "fp16"
    assert target.refiner.bytes < 0.6 * target.refiner.bytes_fp32
    assert [gate.name for gate in bundle.gates_not_run] == ["closed_loop_drop_points"]
    assert bundle.manifest.sources["planner.onnx"] == sha256_of(tiny / "planner.onnx")
    written = {str(file.relative_to(tiny_bundle)) for file in tiny_bundle.rglob("*.*")}
    assert set(bundle.manifest.files) == written - {MANIFEST, "report.html"}


def test_figures_come_from_running_the_graphs(tiny_bundle: Path, tiny: Path) -> None:
    """Recomputed from what lies on the disk, with every optimisation of ONNX Runtime switched off."""
    directory = open_model_directory(tiny)
    samples = read_samples(directory.calibration, directory.spec)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    files = (tiny / "planner.onnx", tiny_bundle / "cpu" / "planner.onnx")
    fp32, exported = (ort.InferenceSession(str(file), options) for file in files)
    feeds = [samples.feed(int(row), directory.spec.planner_inputs()) for row in np.flatnonzero(samples.holdout)]
    equal = [fp32.run(None, feed)[0].argmax(-1) == exported.run(None, feed)[0].argmax(-1) for feed in feeds]
    gates = {gate.name: gate for gate in open_bundle(tiny_bundle).manifest.gates}
    assert gates["planner_tokens_exact"].value == pytest.approx(np.mean(equal), abs=0.005)


def test_another_process_makes_the_same_bytes(tiny_bundle: Path, tiny: Path, tmp_path: Path) -> None:
    """Another hash seed, another place: the same files, and the same hash of the bundle."""
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from tests.export.test_exporter import export\n"
        "export(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "assert 'torch' not in sys.modules"
    )
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT), "PATH": ""}
    command = [sys.executable, "-c", code, str(tiny), str(tmp_path / "again")]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True)
    assert open_bundle(tmp_path / "again").sha256 == open_bundle(tiny_bundle).sha256


def test_fp32_stays_what_it_was(tiny: Path, tmp_path: Path) -> None:
    result = export(tiny, tmp_path / "out", planner="fp32", refiner="fp32")
    figures = {gate.name: gate.value for gate in result.manifest.gates}
    assert figures["planner_tokens_exact"] == 1.0
    assert figures["refiner_action_largest_deg"] == 0.0


def with_planted_fault(path: Path) -> None:
    """The first convolution looks at pixels eight times as bright in the samples that set the ranges."""
    with np.load(path / "calibration.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    dark = ~arrays["holdout"]
    arrays["state"][dark] /= 8
    arrays["image_front"][dark] //= 8
    arrays["image_wrist"][dark] //= 8
    np.savez(path / "calibration.npz", **arrays)


def test_ranges_that_do_not_fit_fail_a_gate_and_nothing_is_written(copied: Path, tmp_path: Path) -> None:
    with_planted_fault(copied)
    result = export(copied, tmp_path / "out")
    assert "planner_tokens_exact" in [gate.name for gate in result.failed]
    assert result.sha256 is None
    assert not (tmp_path / "out").exists()


def test_an_accepted_gate_is_recorded_and_the_bundle_opens(copied: Path, tmp_path: Path) -> None:
    with_planted_fault(copied)
    failed = [gate.name for gate in export(copied, tmp_path / "out").failed]
    assert export(copied, tmp_path / "out", accepted=failed[:-1]).sha256 is None
    assert export(copied, tmp_path / "out", accepted=failed).sha256
    assert [gate.name for gate in open_bundle(tmp_path / "out").manifest.gates if gate.accepted] == failed
    manifest = open_bundle(tmp_path / "out").manifest
    refused = tuple(gate.model_copy(update={"accepted": False}) for gate in manifest.gates)
    (tmp_path / "out" / MANIFEST).write_bytes(manifest_bytes(sealed(manifest.model_copy(update={"gates": refused}))))
    with pytest.raises(BundleError, match=f"gate '{failed[0]}' failed"):
        open_bundle(tmp_path / "out")


def test_a_failed_gate_leaves_the_old_bundle(copied: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    export(copied, tmp_path / "out")
    before = open_bundle(tmp_path / "out").sha256
    with_planted_fault(copied)
    assert export(copied, tmp_path / "out").failed
    assert open_bundle(tmp_path / "out").sha256 == before


def grown_weight(path: Path, value: float) -> None:
    model = onnx.load(path / "refiner_encoder.onnx")
    tensor = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    array = numpy_helper.to_array(tensor).copy()
    array[0, 0] = value
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    onnx.save(model, path / "refiner_encoder.onnx")


def test_a_refiner_weight_beyond_fp16_is_refused(copied: Path, tmp_path: Path) -> None:
    grown_weight(copied, 1e6)
    with pytest.raises(ModelDirectoryError, match=r"refiner_encoder\.onnx has weight .* as large as 1e\+06"):
        export(copied, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [copied]


def test_samples_from_elsewhere(copied: Path, tmp_path: Path) -> None:
    moved = (copied / "calibration.npz").rename(tmp_path / "mine.npz")
    (copied / "calibration.npz").write_bytes(b"")
    with pytest.raises(CalibrationError):
        export(copied, tmp_path / "out")
    assert export(copied, tmp_path / "out", calibration=moved).manifest.sources["calibration.npz"] == sha256_of(moved)


def test_words_that_the_embedding_does_not_have(copied: Path, tmp_path: Path) -> None:
    with np.load(copied / "calibration.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["instruction"][0, 0] = 500
    np.savez(copied / "calibration.npz", **arrays)
    with pytest.raises(ModelDirectoryError, match=r"planner\.onnx fails in ONNX Runtime"):
        export(copied, tmp_path / "out")


def test_logits_that_are_not_numbers(copied: Path, tmp_path: Path) -> None:
    model = onnx.load(copied / "planner.onnx")
    model.graph.node[-1].op_type = "Sqrt"
    onnx.save(model, copied / "planner.onnx")
    with pytest.raises(ModelDirectoryError, match=r"planner\.onnx gives logits that are not finite"):
        export(copied, tmp_path / "out")


def test_an_example_with_an_unknown_word(copied: Path, tmp_path: Path) -> None:
    text = (copied / "model.toml").read_text().replace('"touch the red cube"', '"touch the purple cube"')
    (copied / "model.toml").write_text(text)
    with pytest.raises(ModelDirectoryError, match=r"an example of model\.toml does not encode: .*'purple'"):
        export(copied, tmp_path / "out")


def test_an_unknown_gate_is_refused_before_any_work(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such gate"):
        export(tiny, tmp_path / "out", accepted=["speed"])


def test_a_full_disk_at_the_last_file(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporter, "report_html", full)
    with pytest.raises(BundleError, match="No space left on device; nothing was changed there"):
        export(tiny, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []

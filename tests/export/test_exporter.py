"""The whole road from a model directory to a bundle: what lies at its end, and what depends on what."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, numpy_helper

from libra_edge.bundle import MANIFEST, Target, manifest_bytes, open_bundle, sealed, sha256_of
from libra_edge.calibration.samples import read_samples
from libra_edge.closed_loop_outcome import ClosedLoopOutcome
from libra_edge.errors import BundleError, CalibrationError
from libra_edge.export.gates import GATES
from libra_edge.export.precision import PlannerPrecision, Precision, RefinerPrecision, precision_file, write_precision
from libra_edge.export.session import GraphSession
from libra_edge.model_directory import GRAPHS, open_model_directory
from libra_edge.policy_files import PolicyFiles
from tests.export.exporting import export, failed
from tests.export.faults import darken_calibration

ROOT = Path(__file__).resolve().parents[2]
TARGETS: tuple[Target, ...] = ("cpu", "tensorrt")
MEASURED_GATES = [name for name in GATES if name != "closed_loop_drop_points"]


def types_of(path: Path) -> set[int]:
    """Types of a graph's weights with two axes or more."""
    return {tensor.data_type for tensor in onnx.load(path).graph.initializer if len(tensor.dims) >= 2}


def test_the_bundle_opens_and_tells_what_it_is(tiny_bundle: Path, tiny: Path) -> None:
    bundle = open_bundle(tiny_bundle)
    assert list(bundle.manifest.targets) == list(TARGETS)
    for entry in bundle.manifest.targets.values():
        assert (entry.planner.precision, entry.refiner.precision) == ("int8", "fp16")
        assert entry.planner.bytes < 0.4 * entry.planner.bytes_fp32
        assert entry.refiner.bytes < 0.7 * entry.refiner.bytes_fp32
        assert entry.closed_loop is None
    assert bundle.manifest.targets["cpu"].planner.int8_mac_share == 1.0
    assert bundle.manifest.targets["cpu"].refiner.int8_mac_share is None
    assert bundle.manifest.targets["tensorrt"].planner.int8_mac_share is None
    assert [(gate.target, gate.name) for gate in bundle.manifest.gates] == [
        (t, name) for t in TARGETS for name in GATES
    ]
    assert [gate.name for gate in bundle.gates_not_run] == ["closed_loop_drop_points"] * 2
    assert bundle.manifest.sources["planner.onnx"] == sha256_of(tiny / "planner.onnx")
    written = {str(file.relative_to(tiny_bundle)) for file in tiny_bundle.rglob("*.*")}
    assert set(bundle.manifest.files) == written - {MANIFEST, "report.html"}
    assert written == {f"{t}/{name}.onnx" for t in TARGETS for name in GRAPHS} | {
        *(MANIFEST, "report.html", "tokenizer.json")
    }


def test_figures_come_from_running_the_graphs(tiny_bundle: Path, tiny: Path) -> None:
    """Recomputed from what lies on the disk, with every optimisation of ONNX Runtime switched off."""
    directory = open_model_directory(tiny)
    samples = read_samples(directory.calibration, directory.spec)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    files = (tiny / "planner.onnx", tiny_bundle / "cpu" / "planner.onnx")
    fp32, exported = (ort.InferenceSession(str(file), options) for file in files)
    feeds = [samples.feed(int(row), tuple(directory.spec.planner_inputs())) for row in np.flatnonzero(samples.holdout)]
    answers = [[session.run(None, feed)[0].astype(np.float64) for session in (fp32, exported)] for feed in feeds]
    cosines = [np.vdot(one, other) / np.linalg.norm(one) / np.linalg.norm(other) for one, other in answers]
    equal = [one.argmax(-1) == other.argmax(-1) for one, other in answers]
    gates = {gate.name: gate.value for gate in open_bundle(tiny_bundle).manifest.gates if gate.target == "cpu"}
    assert gates["planner_logit_cosine"] == pytest.approx(float(np.mean(cosines)), abs=1e-6)
    assert 0.99 < float(np.mean(cosines)) < 1 - 1e-9
    assert gates["planner_tokens_exact"] == pytest.approx(np.mean(equal), abs=0.005)


CODE_WITHOUT_TORCH = """
import sys
from pathlib import Path

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise AssertionError("torch was imported")

sys.meta_path.insert(0, NoTorch())
from tests.export.exporting import export
assert export(Path(sys.argv[1]), Path(sys.argv[2])).sha256
assert "torch" not in sys.modules
"""


def test_another_process_makes_the_same_bytes_and_never_imports_torch(
    tiny_bundle: Path, tiny: Path, tmp_path: Path
) -> None:
    """Another hash seed, another place: the same files, and the same hash of the bundle."""
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT), "PATH": ""}
    command = [sys.executable, "-c", CODE_WITHOUT_TORCH, str(tiny), str(tmp_path / "again")]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True)
    again, first = open_bundle(tmp_path / "again"), open_bundle(tiny_bundle)
    for name in first.manifest.files:
        assert (tmp_path / "again" / name).read_bytes() == (tiny_bundle / name).read_bytes(), name
    assert again.sha256 == first.sha256


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_alone_is_the_half_of_both(target: Target, tiny: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    result = export(tiny, tmp_path / "out", targets=(target,))
    alone, both = open_bundle(tmp_path / "out"), open_bundle(tiny_bundle)
    assert list(alone.manifest.targets) == list(result.targets) == [target]
    assert alone.manifest.targets[target] == both.manifest.targets[target]
    assert list(alone.manifest.gates) == [gate for gate in both.manifest.gates if gate.target == target]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {target, MANIFEST, "report.html", "tokenizer.json"}
    assert (result.targets[target].latency is None) == (result.targets[target].macs is None) == (target == "tensorrt")


def test_fp32_stays_what_it_was(tiny: Path, tmp_path: Path) -> None:
    result = export(tiny, tmp_path / "out", planner="fp32", refiner="fp32")
    assert result.sha256
    perfect = {name: float(GATES[name].better == "higher") for name in MEASURED_GATES}
    perfect["planner_scale_factor"] = 1.0
    for target in TARGETS:
        figures = {gate.name: gate.value for gate in result.manifest.gates if gate.target == target}
        assert {name: figures[name] for name in MEASURED_GATES} == pytest.approx(perfect, abs=1e-12)
        assert types_of(tmp_path / "out" / target / "planner.onnx") == {TensorProto.FLOAT}
    macs = result.targets["cpu"].macs
    assert macs is not None
    assert macs.share == 0.0
    assert len(macs.in_float) == 8


@pytest.mark.parametrize(("refiner", "dtype"), [("fp16", TensorProto.FLOAT16), ("bf16", TensorProto.BFLOAT16)])
def test_16_bit_of_both_systems_on_both_targets(refiner: str, dtype: int, tiny: Path, tmp_path: Path) -> None:
    """BF16 tensors have 8 bits: more than the gates of actions allow on a target that computes in them."""
    result = export(tiny, tmp_path / "out", planner="fp16", refiner=refiner, accepted=MEASURED_GATES)
    allowed = {("tensorrt", "refiner_action_largest_deg"), ("tensorrt", "refiner_action_mean_deg")}
    not_held = {(gate.target, gate.name) for gate in result.manifest.gates if gate.verdict == "failed"}
    assert not_held <= (allowed if refiner == "bf16" else set())
    for target in TARGETS:
        assert TensorProto.FLOAT16 in types_of(tmp_path / "out" / target / "planner.onnx")
        assert dtype in types_of(tmp_path / "out" / target / "refiner_encoder.onnx")
        assert result.manifest.targets[target].refiner.precision == refiner
        assert result.manifest.targets[target].planner.precision == "fp16"
    halves = [
        numpy_helper.to_array(tensor) for tensor in onnx.load(tmp_path / "out/cpu/refiner_step.onnx").graph.initializer
    ]
    assert np.dtype(ml_dtypes.bfloat16 if refiner == "bf16" else np.float16) in {array.dtype for array in halves}


def test_an_accepted_gate_is_recorded_and_the_bundle_opens(copied: Path, tmp_path: Path) -> None:
    darken_calibration(copied)
    names = [name for _, name in failed(copied, tmp_path / "out", targets=("cpu",))]
    assert "planner_tokens_exact" in names
    assert export(copied, tmp_path / "out", targets=("cpu",), accepted=names[:-1]).sha256 is None
    assert not (tmp_path / "out").exists()
    assert export(copied, tmp_path / "out", targets=("cpu",), accepted=names).sha256
    manifest = open_bundle(tmp_path / "out").manifest
    assert [gate.name for gate in manifest.gates if gate.accepted] == names
    refused = tuple(gate.model_copy(update={"accepted": False}) for gate in manifest.gates)
    (tmp_path / "out" / MANIFEST).write_bytes(manifest_bytes(sealed(manifest.model_copy(update={"gates": refused}))))
    with pytest.raises(BundleError, match=f"gate '{names[0]}' failed"):
        open_bundle(tmp_path / "out")


def test_samples_from_elsewhere(copied: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    moved = (copied / "calibration.npz").rename(tmp_path / "mine.npz")
    (copied / "calibration.npz").write_bytes(b"")
    with pytest.raises(CalibrationError):
        export(copied, tmp_path / "out")
    found = export(copied, tmp_path / "out", targets=("cpu",), calibration=moved).manifest
    assert found.sources["calibration.npz"] == open_bundle(tiny_bundle).manifest.sources["calibration.npz"]


def precise(model: Path, target: Target, precision: Precision) -> None:
    directory = open_model_directory(model)
    hashes = {f"{name}.onnx": sha256_of(directory.graph(name)) for name in GRAPHS}
    write_precision(model, target, precision.model_copy(update={"measured_on": hashes}))


def test_a_plain_export_follows_what_was_measured(
    copied: Path, tiny_bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    precise(copied, "cpu", Precision(planner=PlannerPrecision(not_int8=("head", "/gemm_20"))))
    precise(copied, "tensorrt", Precision(refiner=RefinerPrecision(fp32=("products",))))
    result = export(copied, tmp_path / "out")
    assert caplog.records == []
    macs = result.targets["cpu"].macs
    assert macs is not None
    assert sorted(product.name.removeprefix("fused ") for product in macs.in_float) == ["/gemm_20", "/gemm_24"]
    assert result.manifest.targets["cpu"].planner.int8_mac_share == macs.share < 1.0
    layers = result.targets["cpu"].stages["planner"].layers
    assert layers["head"] == "fp32"
    assert layers["FFN"] == "1 of 2 layers int8 x int8, summed in int32, result in fp32; the others fp32"
    assert result.targets["tensorrt"].stages["refiner"].layers["products"] == "fp32"
    assert TensorProto.FLOAT16 not in types_of(tmp_path / "out/tensorrt/refiner_step.onnx")
    sources = result.manifest.sources
    for target in TARGETS:
        assert sources[precision_file(target)] == sha256_of(copied / precision_file(target))
    assert export(copied, tmp_path / "again").sha256 == result.sha256 != open_bundle(tiny_bundle).sha256


def test_no_measurement_and_an_old_one_are_announced(
    copied: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    precise(copied, "tensorrt", Precision())
    with (copied / "refiner_step.onnx").open("ab") as file:
        file.write(b"\x2a\x00")  # an empty field of the model's producer
    export(copied, tmp_path / "out", planner="fp32", refiner="fp32")
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"no precision.cpu.toml in {copied}: safe precisions are used; --tune measures them",
        f"{copied / 'precision.tensorrt.toml'} was measured on other graphs than these; --tune measures anew",
    ]


def test_the_model_directory_is_left_as_it_is(copied: Path, tmp_path: Path) -> None:
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in copied.iterdir()}
    export(copied, tmp_path / "out", targets=("cpu",))
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in copied.iterdir()} == before


def played(high_points: float) -> ClosedLoopOutcome:
    return ClosedLoopOutcome("koch-sim", 90, 1, 90, 80, 79, 3, 2, 1.1, -1.0, high_points)


@pytest.mark.parametrize(("high_points", "verdict"), [(2.9, "passed"), (3.1, "failed")])
def test_the_closed_loop_plays_what_was_written_and_judges(
    high_points: float, verdict: str, tiny: Path, tmp_path: Path
) -> None:
    """On `tensorrt`, what stands in for the written graphs runs on this machine and takes FP32 in and out."""
    seen: dict[str, Any] = {}

    def play(fp32: PolicyFiles, exported: PolicyFiles, target: Target) -> ClosedLoopOutcome:
        assert fp32.graphs == open_model_directory(tiny).policy_files().graphs
        seen[target] = {name: GraphSession(path) for name, path in exported.graphs.items()}
        assert exported.tokenizer.is_file()
        inside = {path.is_relative_to(exported.path) for path in exported.graphs.values()}
        assert inside == {target == "cpu"}, "what was written, or what stands in for it"
        return played(high_points)

    result = export(tiny, tmp_path / "out", closed_loop=play)
    assert {target: list(graphs) for target, graphs in seen.items()} == {target: list(GRAPHS) for target in TARGETS}
    gates = [gate for gate in result.manifest.gates if gate.name == "closed_loop_drop_points"]
    assert [(gate.verdict, gate.value) for gate in gates] == [(verdict, high_points)] * 2
    assert bool(result.sha256) == (verdict == "passed")
    entry = result.manifest.targets["tensorrt"].closed_loop
    assert entry is not None
    assert (entry.episodes, entry.high_points) == (90, high_points)

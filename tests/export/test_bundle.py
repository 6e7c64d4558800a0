"""What the runtime refuses of a bundle: anything that is not, to the byte, what export wrote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libra_edge import bundle as bundle_module
from libra_edge.bundle import MANIFEST, Manifest, manifest_bytes, open_bundle, sealed
from libra_edge.errors import BundleError


@pytest.fixture
def damaged(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "damaged"))


def resealed(path: Path, **changes: Any) -> None:
    manifest = open_bundle(path).manifest.model_copy(update=changes)
    (path / MANIFEST).write_bytes(manifest_bytes(sealed(manifest)))


@pytest.mark.parametrize("name", ["cpu/planner.onnx", "tensorrt/refiner_step.onnx", "tokenizer.json"])
def test_one_changed_byte_of_a_file(damaged: Path, name: str) -> None:
    content = bytearray((damaged / name).read_bytes())
    content[len(content) // 2] ^= 1
    (damaged / name).write_bytes(bytes(content))
    with pytest.raises(BundleError, match=f"{name} was changed after export") as caught:
        open_bundle(damaged)
    assert caught.value.exit_code == 2


@settings(max_examples=300, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_changed_bit_of_the_manifest(
    tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory, place: float, bit: int
) -> None:
    raw = bytearray((tiny_bundle / MANIFEST).read_bytes())
    raw[int(place * len(raw))] ^= 1 << bit
    folder = tmp_path_factory.getbasetemp() / "flipped"
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_bytes(bytes(raw))
    with pytest.raises(BundleError, match=MANIFEST):
        open_bundle(folder)


def test_a_limit_changed_by_hand(damaged: Path) -> None:
    manifest = json.loads((damaged / MANIFEST).read_text())
    manifest["model"]["action"]["high"][0] += 0.1
    (damaged / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    with pytest.raises(BundleError, match=r"bundle\.json was changed after export \(its seal differs\)"):
        open_bundle(damaged)


def test_a_missing_file(damaged: Path) -> None:
    (damaged / "cpu" / "refiner_step.onnx").unlink()
    with pytest.raises(BundleError, match=r"cpu/refiner_step\.onnx is missing; export it again"):
        open_bundle(damaged)


def test_a_graph_without_a_hash(damaged: Path) -> None:
    files = {name: digest for name, digest in open_bundle(damaged).manifest.files.items() if name != "cpu/planner.onnx"}
    resealed(damaged, files=files)
    with pytest.raises(BundleError, match=r"cpu/planner\.onnx has no hash in bundle\.json"):
        open_bundle(damaged)


def test_a_target_and_a_graph_that_were_not_exported(damaged: Path) -> None:
    resealed(damaged, targets={"cpu": open_bundle(damaged).manifest.targets["cpu"]})
    bundle = open_bundle(damaged)
    with pytest.raises(BundleError, match="not exported for 'tensorrt', only for cpu"):
        bundle.graph("tensorrt", "planner")
    with pytest.raises(BundleError, match="names no graph 'decoder' for 'cpu'"):
        bundle.graph("cpu", "decoder")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "cpu/../../x", ".hidden", "a//b", ""])
def test_files_outside_the_bundle_cannot_be_named(tiny_bundle: Path, name: str) -> None:
    content = open_bundle(tiny_bundle).manifest.model_dump(mode="json")
    content["files"][name] = "0" * 64
    with pytest.raises(ValueError, match="String should match pattern"):
        Manifest.model_validate(content)


def test_no_folder_no_manifest_no_room(tmp_path: Path, damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BundleError, match=r"there is no bundle\.json in it; make one with: libra-edge export"):
        open_bundle(tmp_path / "nowhere")
    monkeypatch.setattr(bundle_module, "MAX_MANIFEST_BYTES", 100)
    with pytest.raises(BundleError, match="larger than 100 bytes"):
        open_bundle(damaged)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_rubbish_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError):
        open_bundle(tmp_path)

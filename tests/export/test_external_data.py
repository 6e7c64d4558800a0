"""The whole road with weights in files beside the graphs, as a large model has them: all else is as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from libra_edge.bundle import MANIFEST, manifest_bytes, open_bundle, sealed, sha256_of
from libra_edge.errors import BundleError, ModelDirectoryError
from libra_edge.export import graph as graph_module
from libra_edge.model_directory import GRAPHS, open_model_directory
from tests.export.exporting import export
from tests.export.test_exporter import TARGETS


@pytest.fixture
def damaged(large_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(large_bundle, tmp_path / "damaged"))


@pytest.fixture
def damaged_model(large: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(large, tmp_path / "model"))


def test_both_ends_of_the_road_keep_their_weights_beside(large: Path, large_bundle: Path) -> None:
    assert (large / "planner.onnx.data").stat().st_size > 4 * (large / "planner.onnx").stat().st_size
    manifest = open_bundle(large_bundle).manifest
    for target in TARGETS:
        data = large_bundle / target / "planner.onnx.data"
        assert manifest.files[f"{target}/planner.onnx.data"] == sha256_of(data)
        sizes = [file.stat().st_size for file in (data, data.with_suffix(""))]
        assert manifest.targets[target].planner.bytes == sum(sizes)
    sources = {file.name for name in GRAPHS for file in open_model_directory(large).graph_files(name)}
    assert "planner.onnx.data" in sources <= set(manifest.sources)
    assert manifest.sources["planner.onnx.data"] == sha256_of(large / "planner.onnx.data")
    assert manifest.targets["cpu"].planner.bytes_fp32 == sum(
        (large / name).stat().st_size for name in ("planner.onnx", "planner.onnx.data")
    )


def test_the_gates_are_those_of_the_same_model_in_single_files(large_bundle: Path, tiny_bundle: Path) -> None:
    assert open_bundle(large_bundle).manifest.gates == open_bundle(tiny_bundle).manifest.gates


def test_it_makes_the_same_bundle_again(large: Path, large_bundle: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph_module, "INLINE_BYTES", 0)
        assert export(large, tmp_path / "again").sha256 == open_bundle(large_bundle).sha256


def test_weights_from_beside_may_go_into_single_files(large: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    export(large, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.data"))
    for target in TARGETS:
        for name in GRAPHS:
            graph = f"{target}/{name}.onnx"
            assert (tmp_path / "out" / graph).read_bytes() == (tiny_bundle / graph).read_bytes()


@pytest.mark.parametrize("name", ["cpu/planner.onnx.data", "tensorrt/planner.onnx.data"])
def test_one_changed_byte_of_the_weights(name: str, damaged: Path) -> None:
    content = bytearray((damaged / name).read_bytes())
    content[len(content) // 2] ^= 1
    (damaged / name).write_bytes(bytes(content))
    with pytest.raises(BundleError, match=f"{name} was changed after export"):
        open_bundle(damaged)


def test_weights_that_are_gone(damaged: Path) -> None:
    (damaged / "cpu" / "planner.onnx.data").unlink()
    with pytest.raises(BundleError, match=r"cpu/planner\.onnx\.data is missing; export it again"):
        open_bundle(damaged)


def test_weights_that_the_manifest_does_not_list(damaged: Path) -> None:
    manifest = open_bundle(damaged).manifest
    files = {name: digest for name, digest in manifest.files.items() if name != "cpu/planner.onnx.data"}
    (damaged / MANIFEST).write_bytes(manifest_bytes(sealed(manifest.model_copy(update={"files": files}))))
    with pytest.raises(BundleError, match=r"cpu/planner\.onnx\.data has no hash in bundle\.json"):
        open_bundle(damaged)


def test_weights_slipped_in_beside_a_graph_that_has_none(tiny_bundle: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(tiny_bundle, tmp_path / "it"))
    (path / "cpu" / "planner.onnx.data").write_bytes(b"weights")
    with pytest.raises(BundleError, match=r"cpu/planner\.onnx\.data has no hash in bundle\.json"):
        open_bundle(path)


def test_a_model_whose_weights_are_cut_short_or_gone(damaged_model: Path, tmp_path: Path) -> None:
    data = damaged_model / "planner.onnx.data"
    data.write_bytes(data.read_bytes()[:-4])
    with pytest.raises(
        ModelDirectoryError, match=r"planner\.onnx has weight '.*' beyond the end of planner\.onnx\.data"
    ):
        export(damaged_model, tmp_path / "out")
    data.unlink()
    with pytest.raises(
        ModelDirectoryError, match=r"planner\.onnx keeps its weights in planner\.onnx\.data, which is not"
    ):
        export(damaged_model, tmp_path / "out")

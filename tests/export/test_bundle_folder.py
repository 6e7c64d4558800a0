"""A bundle is put in place whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from libra_edge.bundle import MANIFEST
from libra_edge.errors import BundleError
from libra_edge.export import bundle_folder as module
from libra_edge.export.bundle_folder import bundle_folder


def bundle_with(path: Path, text: str) -> None:
    with bundle_folder(path) as folder:
        folder.write(MANIFEST, text.encode())
        folder.write("cpu/planner.onnx", text.encode())
        folder.publish()


def contents(path: Path) -> dict[str, str]:
    return {str(file.relative_to(path)): file.read_text() for file in path.rglob("*") if file.is_file()}


def test_a_new_bundle_and_parents_that_did_not_exist(tmp_path: Path) -> None:
    bundle_with(tmp_path / "deep" / "new", "one")
    assert contents(tmp_path) == {"deep/new/bundle.json": "one", "deep/new/cpu/planner.onnx": "one"}


@pytest.mark.parametrize("can_exchange", [True, False])
def test_an_old_bundle_is_replaced_and_leaves_nothing(
    tmp_path: Path, can_exchange: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle_with(tmp_path / "it", "one")
    (tmp_path / "it" / "report.html").write_text("old")
    if not can_exchange:
        monkeypatch.setattr(module, "_exchanged", lambda one, other: False)
    bundle_with(tmp_path / "it", "two")
    assert contents(tmp_path) == {"it/bundle.json": "two", "it/cpu/planner.onnx": "two"}


def test_two_renames_that_fail_half_way_bring_the_old_bundle_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle_with(tmp_path / "it", "one")
    monkeypatch.setattr(module, "_exchanged", lambda one, other: False)
    rename = Path.rename

    def second_fails(self: Path, target: Path) -> Path:
        if Path(target) == tmp_path / "it" and self.name == "it":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises(BundleError, match="Input/output error"):
        bundle_with(tmp_path / "it", "two")
    assert contents(tmp_path) == {"it/bundle.json": "one", "it/cpu/planner.onnx": "one"}


def ends_midway(path: Path, error: BaseException) -> None:
    with bundle_folder(path) as folder:
        folder.write(MANIFEST, b"two")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_an_end_midway_leaves_the_old_bundle_and_no_rubbish(tmp_path: Path, error: BaseException) -> None:
    bundle_with(tmp_path / "it", "one")
    expected = BundleError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        ends_midway(tmp_path / "it", error)
    assert contents(tmp_path) == {"it/bundle.json": "one", "it/cpu/planner.onnx": "one"}
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    if isinstance(caught.value, BundleError):
        assert "No space left on device; nothing was changed there" in str(caught.value)
        assert caught.value.exit_code == 2


def test_a_folder_that_is_no_bundle_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_text("meow")
    with pytest.raises(BundleError, match="which is no bundle"):
        bundle_with(tmp_path / "photos", "one")
    assert contents(tmp_path) == {"photos/cat.png": "meow"}


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "it").mkdir()
    bundle_with(tmp_path / "it", "one")
    assert (tmp_path / "it" / MANIFEST).read_text() == "one"


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "it").write_text("file")
    with pytest.raises(BundleError, match="is not a folder"):
        bundle_with(tmp_path / "it", "one")
    with pytest.raises(BundleError, match="cannot be written: File exists"):
        bundle_with(tmp_path / "it" / "below", "one")


def test_a_parent_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    with pytest.raises(BundleError, match="cannot be written: Permission denied"):
        bundle_with(tmp_path / "it", "one")

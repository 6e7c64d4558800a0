"""An export that ends midway or fails leaves what lay at its end before, and nothing else."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from libra_edge.bundle import open_bundle
from libra_edge.errors import BundleError
from libra_edge.export import exporter, target_export
from libra_edge.export.graph import Graph, write_graph
from tests.export.exporting import export, failed
from tests.export.faults import darken_calibration


@pytest.fixture
def old(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle that is there already."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundles" / "it"))


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def raising(error: BaseException, after: int = 0) -> Callable[..., Any]:
    """Does what `write_graph` does so many times, then raises."""
    write, calls = write_graph, [0]

    def write_or_raise(graph: Graph, path: Path, advance: Callable[[int], None] = lambda _: None) -> list[Path]:
        calls[0] += 1
        if calls[0] > after:
            raise error
        return write(graph, path, advance)

    return write_or_raise


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("after", [0, 2, 4])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), FULL])
def test_an_end_midway_leaves_the_old_bundle_and_nothing_else(
    error: BaseException, after: int, tiny: Path, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(old.parent)
    monkeypatch.setattr(target_export, "write_graph", raising(error, after))
    with pytest.raises(BundleError if error is FULL else KeyboardInterrupt) as caught:
        export(tiny, old, planner="fp32", refiner="fp32")
    assert snapshot(old.parent) == before
    assert [path.name for path in old.parent.iterdir()] == ["it"]
    assert open_bundle(old)
    if isinstance(caught.value, BundleError):
        assert str(caught.value).endswith("cannot be written: No space left on device; nothing was changed there")


def test_a_full_disk_at_the_last_file(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise FULL

    monkeypatch.setattr(exporter, "report_html", full)
    with pytest.raises(BundleError, match="No space left on device; nothing was changed there"):
        export(tiny, tmp_path / "out", targets=("cpu",))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_written_to(tiny: Path, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> str:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    before = snapshot(old)
    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    with pytest.raises(BundleError, match="cannot be written: Read-only file system; nothing was changed there"):
        export(tiny, old)
    assert snapshot(old) == before


def test_a_failed_gate_leaves_the_old_bundle(copied: Path, old: Path) -> None:
    before = snapshot(old)
    darken_calibration(copied)
    assert failed(copied, old, targets=("cpu",))
    assert snapshot(old) == before

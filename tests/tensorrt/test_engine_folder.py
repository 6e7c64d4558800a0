"""The folder that engines are kept in: timing caches, full disks, folders that cannot be written."""

from __future__ import annotations

import errno
import os

import pytest

from libra_edge.bundle import Bundle
from libra_edge.errors import EngineCacheError
from libra_edge.export import engine_folder
from libra_edge.export.engine_record import LAYERS, PLAN
from tests.tensorrt.software_tensorrt import TIMING
from tests.tensorrt.workshop import Workshop, rubbish_in


def test_what_one_build_measured_helps_the_next(bundle: Bundle, workshop: Workshop) -> None:
    workshop.ensure(bundle)
    (file,) = workshop.folder.glob("timing-*")
    assert file.name == "timing-10.3.0-sm8.7.bin"
    assert file.read_bytes() == TIMING + b"10.3.0"
    file.write_bytes(TIMING + b"much more")
    workshop.ensure(bundle, workspace_mb=65)
    assert file.read_bytes() == TIMING + b"much more"


@pytest.mark.parametrize("content", [b"rubbish", TIMING * engine_folder.PRIVATE])
def test_a_timing_cache_that_is_no_good_is_announced_and_replaced(
    bundle: Bundle,
    workshop: Workshop,
    content: bytes,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_folder, "MAX_TIMING_CACHE_BYTES", 1000)
    workshop.folder.mkdir()
    file = workshop.folder / "timing-10.3.0-sm8.7.bin"
    file.write_bytes(content)
    workshop.ensure(bundle)
    assert file.read_bytes() == TIMING + b"10.3.0"
    assert len([record for record in caplog.records if "timing cache" in record.message]) == 1


def test_a_full_disk_is_one_sentence_and_leaves_the_old_engine(
    bundle: Bundle, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = workshop.ensure(bundle)["planner"].plan.parent
    (entry / LAYERS).unlink()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EngineCacheError, match="cannot be written: No space left on device; make room or") as caught:
        workshop.ensure(bundle)
    assert caught.value.exit_code == 2
    assert (entry / PLAN).is_file()
    assert rubbish_in(workshop.folder) == []


def test_a_folder_that_cannot_be_written_is_one_sentence_before_anything_is_built(
    bundle: Bundle, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(EngineCacheError, match=f"engine cache {workshop.folder}: cannot be written: Read-only"):
        workshop.ensure(bundle)
    assert workshop.builds == 0


def test_a_file_where_the_folder_should_be(bundle: Bundle, workshop: Workshop) -> None:
    workshop.folder.write_text("not a folder")
    with pytest.raises(EngineCacheError, match="cannot be written: File exists"):
        workshop.ensure(bundle)


def test_engines_in_a_folder_that_cannot_be_written_are_used(
    bundle: Bundle, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.ensure(bundle)

    def refuse(*_: object) -> None:
        raise AssertionError("a lock was asked for")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert not workshop.ensure(bundle)["planner"].built


def test_a_timing_cache_that_cannot_be_kept_is_only_said(
    bundle: Bundle, workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    (workshop.folder / "timing-10.3.0-sm8.7.bin").mkdir(parents=True)
    assert workshop.ensure(bundle)["planner"].built
    assert "cannot be read (Is a directory): starting anew" in caplog.text
    assert "cannot be written: Is a directory" in caplog.text

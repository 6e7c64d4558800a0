"""A private runtime directory for each test, so that no test sees another's arm, or the user's."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def runtime_directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Short, because a Unix socket's path must be."""
    path = Path(tempfile.mkdtemp(prefix="le-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))
    # `stop` looks beside it too, and must not find an arm that somebody is running meanwhile.
    monkeypatch.setenv("TMPDIR", str(path))
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    yield path
    shutil.rmtree(path, ignore_errors=True)

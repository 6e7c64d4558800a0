"""The viewer's processes around a run: they get ready, show pages, end with the run, and fail in a sentence."""

from __future__ import annotations

import os
import re
import signal
import urllib.request
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from libra_edge.cli import run_view as run_view_module
from libra_edge.cli.run_view import run_view
from libra_edge.errors import MissingDependencyError, ProcessError
from libra_edge.runtime.recording_messages import fault_entry
from tests.runtime_policy.fakes import ROBOT

METADATA = {"task": "touch it", "robot_file": ROBOT.model_dump_json()}
needs_rerun = pytest.mark.skipif(find_spec("rerun") is None, reason="Rerun is not installed: the extra `view`")


@needs_rerun
def test_pages_are_served_while_the_run_lasts(capsys: pytest.CaptureFixture[str]) -> None:
    with run_view(METADATA, "--web") as stream:
        (page,) = re.findall(r"open (http://127\.0\.0\.1:\d+/\S+) in", capsys.readouterr().err)
        with urllib.request.urlopen(page) as answer:
            assert answer.status == 200
        stream.put(fault_entry(0, 0.0, "a cable came loose", "hold"))
    assert (stream.dropped, stream.failure) == (0, None)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(page)


def test_without_rerun_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_view_module, "find_spec", lambda _name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'libra-edge\[view\]'"), run_view(METADATA):
        pass


@needs_rerun
def test_a_viewer_that_ends_at_once_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProcessError, match="the view does not get ready"), run_view(METADATA, "--no-such-option"):
        pass


@needs_rerun
def test_pages_end_though_the_viewer_hangs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_view_module, "END_S", 0.1)
    with run_view(METADATA, "--web"):
        (page,) = re.findall(r"open (http://127\.0\.0\.1:\d+/\S+) in", capsys.readouterr().err)
        os.kill(_viewer(), signal.SIGSTOP)
    with pytest.raises(OSError, match=r"refused|reset"):
        urllib.request.urlopen(page)


@needs_rerun
def test_neither_it_nor_rerun_takes_time_that_anything_else_wants() -> None:
    with run_view(METADATA, "--web"):
        viewer = _viewer()
        policies = [os.sched_getscheduler(process) for process in (viewer, *_started_by(viewer))]
    assert len(policies) >= 2
    assert set(policies) == {os.SCHED_IDLE}


def _viewer() -> int:
    (viewer,) = (each for each in _started_by(os.getpid()) if _runs_viewer(each))
    return viewer


def _runs_viewer(process: int) -> bool:
    return b"libra_edge.cli.viewer" in Path(f"/proc/{process}/cmdline").read_bytes()


def _started_by(parent: int) -> list[int]:
    children = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((process / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                children.append(int(process.name))
    return children

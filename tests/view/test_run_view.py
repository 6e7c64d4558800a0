"""The viewer's processes around a run: they get ready, show pages, end with the run, and fail in a sentence."""

from __future__ import annotations

import re
import urllib.request
from importlib.util import find_spec

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

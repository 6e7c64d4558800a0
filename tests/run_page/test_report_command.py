"""`libra-edge report` from outside, and the page that it writes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libra_edge.cli.main import run_command
from libra_edge.cli.run_pictures import draw_run
from libra_edge.runtime.report_page import page_data
from tests.report_page import Page
from tests.run_page.recorded import BEFORE, COMMANDS, FACTS, FAULTS, RESULT, goal_at, record_run

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\u2028"


def data_of(html: str) -> dict[str, Any]:
    """What the scripts of a page draw from."""
    (text,) = re.findall(r'<script type="application/json" id="run-data">(.*?)</script>', html, re.DOTALL)
    data: dict[str, Any] = json.loads(text)
    return data


def reported(recording: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert run_command(["report", str(recording), "--json", *options]) == 0
    figures: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return figures


def test_the_page_lies_beside_the_recording_and_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = reported(record_run(tmp_path / "run.mcap"), capsys)
    assert figures["html"] == str(tmp_path / "run.html")
    assert figures["seconds"] == 3.0
    assert [tuple(fault.values()) for fault in figures["faults"]] == list(FAULTS)
    assert (figures["success"], figures["lost"]) == (True, None)
    assert figures["bytes"] == (tmp_path / "run.html").stat().st_size
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.html", "run.mcap"]


def test_the_page_holds_what_was_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    html = Path(reported(record_run(tmp_path / "run.mcap"), capsys)["html"]).read_text(encoding="utf-8")
    data = data_of(html)
    assert (data["start"], data["end"], data["success"]) == (-0.2, 2.99, 2.5)
    assert data["commands"]["t"] == [round((number - BEFORE) / 100, 4) for number in range(COMMANDS)]
    goals = np.degrees([goal_at(number) for number in range(COMMANDS)]).T
    np.testing.assert_allclose(data["commands"]["goal"], goals, atol=0.0051)
    assert data["states"] == [[-0.2, "homing"], [0.0, "running"], [1.0, "holding"], [1.3, "running"]]
    assert data["governed"] == [[[1.0, 1.2, "velocity"]], [], [], [], [], []]
    assert [entry[1] for entry in data["plans"]["ready"]] == [12.5, 13.5, 14.5, 15.5, 16.5, 17.5]
    assert data["plans"]["used"]["2"]["tokens"] == [[4] * 6] * 10
    assert (data["chunks"][1]["used"], data["chunks"][1]["captured"]) == (0.55, 0.5)
    assert data["space"]["bins"] == 10
    for words in ("push the blue cube", "Done after 2.5 s", "2 faults", f"no limit violated in {COMMANDS} commands"):
        assert words in Page(html).text


def test_the_page_is_whole_without_anything_from_outside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    html = Path(reported(record_run(tmp_path / "run.mcap"), capsys)["html"]).read_text(encoding="utf-8")
    (policy,) = (attrs["content"] for _, attrs in Page(html).elements if "http-equiv" in attrs)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
    assert not [attrs for _, attrs in Page(html).elements if {"src", "href"} & set(attrs)]
    assert set(re.findall(r"https?://[^\s\"']+", html)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in html


def test_words_from_a_recording_stay_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = {**FACTS, "task": HOSTILE, "robot": HOSTILE, "joints": "a <b> c d e f"}
    path = record_run(tmp_path / "run.mcap", facts=facts, faults=((1.0, HOSTILE, HOSTILE),), cameras=("<front>",))
    html = Path(reported(path, capsys)["html"]).read_text(encoding="utf-8")
    assert html.count("<script") == 2
    assert "<img" not in html
    assert data_of(html)["faults"] == [[1.0, HOSTILE, HOSTILE]]
    assert not Page(html).wrong


def test_a_long_run_is_drawn_from_fewer_commands_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_data, "MOST_COMMANDS", 100)
    html = Path(reported(record_run(tmp_path / "run.mcap"), capsys)["html"]).read_text(encoding="utf-8")
    data = data_of(html)["commands"]
    assert (data["every"], data["of"], len(data["t"]), len(data["lateness"])) == (4, COMMANDS, 80, 80)
    assert data["lateness"][0] == max(60.0 + (number - BEFORE) % 7 for number in range(4))
    assert f"one command in 4 of {COMMANDS}" in Page(html).text


def test_a_cut_recording_is_shown_and_the_loss_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = record_run(tmp_path / "run.mcap")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    figures = reported(path, capsys)
    assert figures["lost"].startswith("The recording was cut off at ")
    assert figures["success"] is None
    text = Page(Path(figures["html"]).read_text(encoding="utf-8")).text
    assert figures["lost"] in text
    assert "Outcome unknown" in text


def test_a_page_may_be_written_anew_and_nothing_else_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = record_run(tmp_path / "run.mcap")
    out = tmp_path / "pages" / "a.html"
    reported(path, capsys, "--out", str(out))
    reported(path, capsys, "--out", str(out))
    before = path.read_bytes()
    for other in (path, tmp_path):
        assert run_command(["report", str(path), "--out", str(other)]) == 2
        assert "is no web page, so it is not overwritten; give another --out" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert run_command(["report", str(path), "--out", str(path / "page.html")]) == 2
    assert "give another --out" in capsys.readouterr().err


def test_no_recording_is_one_sentence_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("some notes\n" * 50, encoding="utf-8")
    assert run_command(["report", str(notes), "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("libra-edge: ") == 1
    assert "is damaged or no MCAP file" in err
    assert not (tmp_path / "notes.html").exists()


def test_an_older_recording_without_times_and_model_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = {
        key: value for key, value in FACTS.items() if key not in {"robot_file", "model_file", "max_plan_age_steps"}
    }
    result = {key: value for key, value in RESULT.items() if key != "figures"}
    path = record_run(tmp_path / "run.mcap", facts=facts, result=result, timed=False)
    html = Path(reported(path, capsys)["html"]).read_text(encoding="utf-8")
    assert data_of(html)["space"] is None
    assert "limits: not known" in html
    assert "does not say what a token means" in html


def test_without_matplotlib_a_run_still_has_its_page(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    drawn = draw_run(record_run(tmp_path / "run.mcap", commands=30))
    assert drawn == {"report": str(tmp_path / "run.html"), "picture": None}
    assert "no picture of this run" in caplog.text
    assert "libra-edge[report]" in caplog.text


def test_a_page_that_cannot_be_written_does_not_break_a_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "run.html").write_text("my own notes", encoding="utf-8")
    drawn = draw_run(record_run(tmp_path / "run.mcap", commands=30))
    assert drawn == {"report": None, "picture": str(tmp_path / "run.png")}
    assert "no page of this run" in caplog.text
    assert (tmp_path / "run.html").read_text(encoding="utf-8") == "my own notes"

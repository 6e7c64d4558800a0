"""What stands on top of the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from libra_edge.runtime.report_page.read_episode import read_episode
from libra_edge.runtime.report_page.tiles import tiles
from libra_edge.runtime.report_page.verdict import BAD, GOOD, OPEN, Finding, findings, outcome
from tests.run_page.recorded import COMMANDS, FIGURES, RESULT, record_run


@pytest.mark.parametrize(
    ("success", "success_s", "finding"),
    [
        ("true", "2.500", Finding(GOOD, "Done after 2.5 s")),
        ("true", "", Finding(GOOD, "Done")),
        ("false", "", Finding(BAD, "Not done in 3.0 s")),
        ("", "", Finding(OPEN, "Outcome unknown: nobody could tell whether the task was done")),
    ],
)
def test_the_outcome_in_words(tmp_path: Path, success: str, success_s: str, finding: Finding) -> None:
    path = record_run(tmp_path / "run.mcap", result={**RESULT, "success": success, "success_s": success_s}, cameras=())
    assert outcome(read_episode(path)) == finding


def test_what_is_lost_is_not_guessed(tmp_path: Path) -> None:
    path = record_run(tmp_path / "run.mcap", faults=())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    episode = read_episode(path)
    assert outcome(episode) == Finding(OPEN, "Outcome unknown: the end of the recording is lost")
    found = findings(episode, [])
    assert found[0] == Finding(GOOD, "no faults in what was read")
    assert found[1] == Finding(GOOD, f"no limit violated in {len(episode.commands)} commands")
    assert len(found) == 2
    assert findings(episode, None)[1].look == OPEN


@pytest.mark.parametrize(
    ("violated", "missed", "breaks", "texts"),
    [
        (0, 0, [], [f"no limit violated in {COMMANDS} commands", "no servo deadline missed"]),
        (0, 1, [1], ["1 command outside the robot's limits", "1 servo deadline missed"]),
        (3, 1200, [1], ["3 commands outside the robot's limits", "1,200 servo deadlines missed"]),
    ],
)
def test_faults_limits_and_deadlines(
    tmp_path: Path, violated: int, missed: int, breaks: list[int], texts: list[str]
) -> None:
    figures = {**json.loads(FIGURES), "limits_violated": violated, "deadline_misses": missed}
    path = record_run(tmp_path / "run.mcap", result={**RESULT, "figures": json.dumps(figures)}, cameras=())
    found = findings(read_episode(path), breaks)
    assert [finding.text for finding in found] == ["2 faults", *texts]
    assert [finding.look for finding in found[:2]] == [BAD, GOOD if violated == 0 and not breaks else BAD]


def test_the_tiles_are_medians_of_the_messages(tmp_path: Path) -> None:
    shown = tiles(read_episode(record_run(tmp_path / "run.mcap", cameras=())))
    for value in ("50.0 ms", "14.5 ms", "17.0 ms", "1 of 5", "100.0 Hz"):
        assert f"<b>{value}</b>" in shown


def test_what_a_recording_does_not_tell_has_no_tile(tmp_path: Path) -> None:
    path = record_run(tmp_path / "run.mcap", result={**RESULT, "figures": "[]"}, cameras=(), timed=False)
    shown = tiles(read_episode(path))
    assert "planner" not in shown
    assert "Hz" not in shown

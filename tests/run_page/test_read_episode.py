"""A recording as the page reads it: whole, cut off, damaged, and what is none."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from mcap.writer import Writer

from libra_edge.errors import RecordingError
from libra_edge.runtime.report_page.limit_breaks import limit_breaks, recorded_robot
from libra_edge.runtime.report_page.read_episode import read_episode
from tests.run_page.recorded import BEFORE, COMMANDS, FACTS, FAULTS, FRAMES, RESULT, START_NS, goal_at, record_run
from tests.runtime_policy.fakes import ROBOT

ZSTANDARD = re.escape(b"\x28\xb5\x2f\xfd")
"""The first bytes of a compressed chunk (RFC 8878, section 3.1.1)."""


def test_a_whole_recording_is_read_to_its_end(tmp_path: Path) -> None:
    episode = read_episode(record_run(tmp_path / "run.mcap"))
    assert episode.lost is None
    assert (episode.success, episode.success_s, episode.seconds) == (True, 2.5, 3.0)
    assert episode.joint_names == ROBOT.joint_names
    assert len(episode.commands) == COMMANDS
    np.testing.assert_array_equal(episode.commands[7].goal_rad, goal_at(7))
    assert episode.since_start(episode.commands[BEFORE].time_ns) == 0.0
    assert [(fault.time_s, fault.kind, fault.reaction) for fault in episode.faults] == list(FAULTS)
    assert [plan.planner_ms for plan in episode.plans] == [12.5, 13.5, 14.5, 15.5, 16.5, 17.5]
    assert (episode.chunks[0].refiner_ms, episode.chunks[0].refine_ms) == (15.0, 17.0)


def test_pictures_know_which_plan_and_chunk_saw_them(tmp_path: Path) -> None:
    episode = read_episode(record_run(tmp_path / "run.mcap"))
    assert list(episode.frames) == ["front", "wrist"]
    notes = episode.frames["front"]
    assert len(notes) == FRAMES
    assert {note.place: note.chunk_id for note in notes if note.chunk_id is not None} == {
        0: 0, 5: 1, 10: 2, 15: 3, 20: 4, 25: 5,
    }  # fmt: skip
    assert [note.plan_id for note in notes] == [note.chunk_id for note in notes]
    assert notes[3].time_ns == START_NS + 300_000_000


def test_the_governor_kept_the_limits_and_a_leap_is_found(tmp_path: Path) -> None:
    episode = read_episode(record_run(tmp_path / "run.mcap"))
    robot = recorded_robot(episode)
    assert robot == ROBOT
    assert limit_breaks(episode, robot) == []
    leap = episode.commands[100].model_copy(update={"goal_rad": [3.0] * 6})
    commands = (*episode.commands[:100], leap, *episode.commands[101:])
    object.__setattr__(episode, "commands", commands)
    assert limit_breaks(episode, robot)[0] == leap.time_ns


@pytest.mark.parametrize("robot_file", ["", "{}", "not JSON", ROBOT.model_dump_json().replace("elbow_flex", "elbow")])
def test_a_robot_file_that_does_not_fit_is_none(tmp_path: Path, robot_file: str) -> None:
    assert (
        recorded_robot(read_episode(record_run(tmp_path / "run.mcap", facts={**FACTS, "robot_file": robot_file})))
        is None
    )


@pytest.mark.parametrize("share", [0.35, 0.6, 0.9])
def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path, share: float) -> None:
    path = record_run(tmp_path / "run.mcap")
    path.write_bytes(path.read_bytes()[: round(share * path.stat().st_size)])
    episode = read_episode(path)
    assert (episode.result, episode.success, episode.success_s) == (None, None, None)
    until_s = episode.since_start(episode.commands[-1].time_ns)
    assert episode.lost == f"The recording was cut off at {until_s:.1f} s; what came after is lost."
    assert episode.seconds == pytest.approx(until_s)


def test_without_a_result_the_chunks_tell_within_a_step_when_step_zero_began(tmp_path: Path) -> None:
    path = record_run(tmp_path / "run.mcap")
    path.write_bytes(path.read_bytes()[:-3000])
    assert abs(read_episode(path).zero_ns - START_NS) <= 100_000_000


def test_a_lost_index_loses_nothing_of_the_run(tmp_path: Path) -> None:
    path = record_run(tmp_path / "run.mcap")
    path.write_bytes(path.read_bytes()[:-100])
    episode = read_episode(path)
    assert (episode.lost, episode.success_s, len(episode.commands)) == (None, 2.5, COMMANDS)


@pytest.mark.parametrize("share", [0.4, 0.7])
def test_a_closed_recording_that_is_damaged_in_the_middle_is_read_up_to_there(tmp_path: Path, share: float) -> None:
    path = record_run(tmp_path / "run.mcap")
    content = bytearray(path.read_bytes())
    chunks = [found.start() for found in re.finditer(ZSTANDARD, content)]
    place = chunks[round(share * len(chunks))] + 100
    content[place : place + 64] = bytes(64)
    path.write_bytes(content)
    episode = read_episode(path)
    assert 0 < len(episode.commands) < COMMANDS
    assert episode.result is None
    until_s = episode.since_start(episode.commands[-1].time_ns)
    assert episode.lost is not None
    assert episode.lost.startswith(f"The file is damaged. It was read up to {until_s:.1f} s (is damaged")


def test_missing_messages_are_told_of(tmp_path: Path) -> None:
    episode = read_episode(record_run(tmp_path / "run.mcap", dropped=3))
    assert episode.lost == "3 messages are missing, for which the disk was too slow when they were recorded."


def write_other_mcap(path: Path) -> Path:
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start(profile="", library="another")
        schema = writer.register_schema("any", "jsonschema", b"{}")
        channel = writer.register_channel("/chat", "json", schema)
        writer.add_message(channel, 0, b"{}", 0)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path: Path) -> None:
    text, empty = tmp_path / "notes.txt", tmp_path / "empty.mcap"
    text.write_text("some notes\n" * 50, encoding="utf-8")
    empty.touch()
    refused = {
        text: "is damaged or no MCAP file",
        empty: "is empty",
        tmp_path: "cannot be read: Is a directory",
        tmp_path / "none.mcap": "cannot be read: No such file or directory",
        write_other_mcap(tmp_path / "other.mcap"): "is no recording of a run",
        record_run(tmp_path / "short.mcap", commands=0): "holds no command to the arm",
    }
    for path, problem in refused.items():
        with pytest.raises(RecordingError, match=problem):
            read_episode(path)


def test_a_message_of_another_form_is_refused_with_its_place(tmp_path: Path) -> None:
    path = record_run(tmp_path / "run.mcap", result={**RESULT, "success": "perhaps"})
    with pytest.raises(RecordingError, match="result of another version, or damaged: success"):
        read_episode(path)

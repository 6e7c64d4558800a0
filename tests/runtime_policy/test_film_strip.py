"""The picture of a run: drawn from the recording alone, whole or cut off."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from libra_edge.errors import MissingDependencyError, RecordingError
from libra_edge.messages import ActionChunk, Frame
from libra_edge.runtime.command import Command
from libra_edge.runtime.episode_traces import read_traces
from libra_edge.runtime.film_strip import draw_film_strip
from libra_edge.runtime.governor import Verdict
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.recording_messages import chunk_entry, command_entries, frame_entry
from libra_edge.runtime.supervisor import State
from tests.runtime_policy.fakes import POSE, ROBOT, an_observation

START_NS, TICK_NS, STEP_NS = 50_000_000_000, 10_000_000, 100_000_000
RED, BLUE = (255, 0, 0), (0, 0, 255)


def record_run(path: Path, *, success_s: str = "", frames: bool = True, commands: int = 200) -> Path:
    """Two seconds: red pictures, then blue ones; goals that swing, and a measurement that lags."""
    metadata = {"task": "push the blue cube", "robot": "koch-sim", "joints": " ".join(ROBOT.joint_names), "seed": "7"}
    recorder = Recorder(path, metadata)
    observation = an_observation()
    chunk = ActionChunk(0, np.zeros((5, 6)), 5, START_NS + 5 * STEP_NS, STEP_NS, 0, 2, START_NS)
    recorder.put(chunk_entry(chunk, observation, START_NS + 3 * TICK_NS))
    for number in range(commands):
        time_ns = START_NS + number * TICK_NS
        goal, measured = (POSE + 0.3 * np.sin(number / 30 - lag) for lag in (0.0, 0.4))
        followed = number >= 50
        command = Command(
            number,
            time_ns,
            goal,
            measured,
            0 if followed else None,
            2 + number // 10 % 5 if followed else None,
            START_NS if followed else None,
            Verdict(np.zeros(6, np.uint8)),
            State.RUNNING,
            0,
        )
        for entry in command_entries(command, ROBOT.joint_names):
            recorder.put(entry)
        if frames and number % 7 == 0:
            for name in ("wrist", "front"):
                picture = np.full((180, 320, 3), RED if number < commands / 2 else BLUE, np.uint8)
                recorder.put(frame_entry(Frame(name, picture, number, time_ns)))
    result = {"success": str(bool(success_s)).lower(), "success_s": success_s, "start_ns": str(START_NS)}
    recorder.close(result)
    return path


def test_the_traces_are_in_degrees_and_in_seconds_since_control_step_zero(tmp_path: Path) -> None:
    traces = read_traces(record_run(tmp_path / "run.mcap", success_s="1.25"))
    np.testing.assert_allclose(traces.time_s, np.arange(200) * 0.01, atol=1e-6)
    np.testing.assert_allclose(traces.goal_deg[0], np.degrees(POSE))
    assert traces.success_s == 1.25
    assert traces.joint_names == ROBOT.joint_names
    assert np.isnan(traces.plan_age[:50]).all()
    assert traces.plan_age[50:].min() == 2
    assert list(traces.frame_times_s) == ["front", "wrist"]


def test_the_picture_shows_the_frames_in_order_and_the_curves(tmp_path: Path) -> None:
    out = tmp_path / "pictures" / "run.png"
    draw_film_strip(record_run(tmp_path / "run.mcap", success_s="1.25"), out)
    picture = (imread(out)[..., :3] * 255).astype(np.uint8)
    height, width, _ = picture.shape
    assert width == 1540
    red, blue = (np.all(picture == colour, axis=-1) for colour in (RED, BLUE))
    assert red.sum() > 0.05 * height * width
    assert np.flatnonzero(red.any(axis=0)).max() < np.flatnonzero(blue.any(axis=0)).min()
    below = picture[int(0.55 * height) :]
    measured_colour = np.abs(below.astype(int) - (0x2F, 0x6F, 0xB2)).sum(axis=-1) < 12
    goal_colour = np.abs(below.astype(int) - (0xE0, 0x7A, 0x3F)).sum(axis=-1) < 12
    assert measured_colour.sum() > 500
    assert goal_colour.sum() > 500


def test_a_run_without_pictures_still_has_its_curves(tmp_path: Path) -> None:
    draw_film_strip(record_run(tmp_path / "run.mcap", frames=False), tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 10_000


def test_a_recording_that_was_cut_off_can_be_drawn(tmp_path: Path) -> None:
    path = record_run(tmp_path / "run.mcap")
    path.write_bytes(path.read_bytes()[:-3000])
    draw_film_strip(path, tmp_path / "run.png")
    assert (tmp_path / "run.png").exists()


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="holds no commands"):
        draw_film_strip(record_run(tmp_path / "run.mcap", commands=0), tmp_path / "run.png")


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = record_run(tmp_path / "run.mcap", commands=5)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r"libra-edge\[report\]"):
        draw_film_strip(recording, tmp_path / "run.png")

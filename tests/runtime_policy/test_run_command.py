"""`libra-edge run` from outside: the simulated arm through every part, and each way to be refused before it moves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from libra_edge.cli.main import run_command
from libra_edge.robot import Robot, open_robot
from libra_edge.runtime.recording import read_messages, read_metadata
from libra_edge.runtime.recording_messages import CHUNK, COMMAND, PLAN
from tests.jog.typist import in_a_terminal
from tests.models import write_tiny_bundle

TASK = "pick up the red cube"
CONTRACT = {
    "robot",
    "task",
    "success",
    "seconds",
    "chunks",
    "planner_ms",
    "refiner_ms",
    "refine_ms",
    "capture_to_command_ms",
    "plan_age_steps",
    "servo_hz",
    "servo_lateness_us",
    "deadline_misses",
    "overhead_ms",
    "limits_violated",
    "faults",
    "recording",
    "report",
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


def start(bundle: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
    """`libra-edge run` of the simulated arm in a process of its own."""
    arguments = (
        "run",
        "--robot",
        "koch-sim",
        "--model",
        str(bundle),
        "--task",
        TASK,
        "--json",
        "--no-status",
        *options,
    )
    return subprocess.Popen(
        [sys.executable, "-m", "libra_edge.cli.main", *arguments, "--record", str(folder / "run.mcap")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )


def figures_of(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    out, err = process.communicate(timeout=100)
    assert out, err
    figures: dict[str, Any] = json.loads(out.splitlines()[-1])
    return figures, err


def test_a_run_ends_in_figures_a_recording_a_page_and_a_picture(bundle: Path, tmp_path: Path) -> None:
    process = start(
        bundle,
        tmp_path,
        "--duration",
        "1.5",
        "--seed",
        "11",
        "--max-plan-age",
        "99",
        "--pictures",
        "jpeg",
        "--require-success",
        "--on-exit",
        "rest",
    )
    figures, err = figures_of(process)
    assert figures.keys() >= CONTRACT
    assert figures["success"] is False
    assert process.returncode == 1
    assert f"the task '{TASK}' was not done" in err
    assert "gate 'closed_loop_drop_points' was not run for this bundle" in err
    assert "--max-plan-age 99 changes nothing: the model's own bound is 5 steps" in err
    assert figures["limits_violated"] == 0
    assert figures["ended"] == "time is up", "whatever a busy computer had to announce meanwhile"
    assert figures["chunks"] >= 2
    assert figures["report"] == str(tmp_path / "run.html")
    assert Path(figures["report"]).read_bytes().startswith(b"<!doctype html>")
    assert Path(figures["picture"]).read_bytes().startswith(b"\x89PNG")
    metadata = read_metadata(Path(figures["recording"]))
    assert Robot.model_validate_json(metadata["run"]["robot_file"]) == open_robot(metadata["run"]["robot"])
    assert metadata["run"]["task"] == TASK
    assert metadata["run"]["max_plan_age_steps"] == "5"
    assert metadata["run"]["pictures"] == "jpeg"
    assert metadata["result"]["success"] == "false"
    messages = list(read_messages(Path(figures["recording"])))
    topics = [message.topic for message in messages]
    assert topics.count(CHUNK) == figures["chunks"]
    assert topics.count(PLAN) == figures["plans"]
    assert {"/camera/front", "/camera/wrist"} <= set(topics)
    commands = [message.json() for message in messages if message.topic == COMMAND]
    assert [command["number"] for command in commands] == list(range(len(commands)))
    assert {command["state"] for command in commands} >= {"running", "stopping"}
    chunks = {message.json()["chunk_id"] for message in messages if message.topic == CHUNK}
    assert {command["chunk_id"] for command in commands} - {None} <= chunks


def test_a_terminated_run_parks_the_arm_and_closes_its_recording(bundle: Path, tmp_path: Path) -> None:
    process = start(bundle, tmp_path, "--duration", "60")
    assert process.stderr is not None
    while "ready -> running" not in (line := process.stderr.readline()):
        assert line, "the run ended before it began"
    process.send_signal(signal.SIGTERM)
    figures, _ = figures_of(process)
    assert process.returncode == 0
    assert figures["ended"] == "stopped by you"
    assert "result" in read_metadata(Path(figures["recording"]))


def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *options: str) -> str:
    """The sentence with which `libra-edge run` refuses; nothing may be launched."""

    def never(*_arguments: Any, **_options: Any) -> None:
        pytest.fail("the servo process was launched")

    monkeypatch.setattr("libra_edge.runtime.servo_client.ServoClient.launch", never)
    assert run_command(["run", *options]) == 2
    last: str = capsys.readouterr().err.strip().splitlines()[-1]
    return last


def test_without_a_task_it_asks_in_a_terminal_and_says_so_elsewhere(bundle: Path, tmp_path: Path) -> None:
    command = ["run", "--robot", "koch-sim", "--model", str(bundle), "--record", str(tmp_path / "run.mcap")]
    with in_a_terminal(command) as typing:
        typing.wait_for("What shall the arm do?")
        typing.type(b"fold the laundry\n")
        assert typing.ending() == (2, [])
        assert "fold" in typing.shown
    piped = subprocess.run(
        [sys.executable, "-m", "libra_edge.cli.main", *command],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert piped.returncode == 2
    assert "give --task, such as" in piped.stderr


def test_unknown_words_are_refused_before_anything_starts(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--robot", "koch-sim", "--model", str(bundle), "--task", "pick up the purple cube")
    sentence = refused(capsys, monkeypatch, *options)
    assert "does not know: 'purple'; it knows: blue, cube, green" in sentence


def test_an_arm_that_is_not_there_is_named_with_what_was_looked_for(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("libra_edge.drivers.dynamixel.port_search.find_port.__defaults__", (tmp_path, tmp_path))
    sentence = refused(capsys, monkeypatch, "--robot", "koch", "--model", str(bundle), "--task", TASK)
    for part in ("ttyACM*", "ttyUSB*", "list_ports", "--robot koch-sim"):
        assert part in sentence


def test_unknown_robots_and_missing_bundles_are_refused(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "unknown robot 'kuka'" in refused(capsys, monkeypatch, "--robot", "kuka", "--task", TASK)
    sentence = refused(capsys, monkeypatch, "--robot", "koch-sim", "--model", str(bundle / "no"), "--task", TASK)
    assert "there is no such bundle" in sentence


def test_a_recording_that_exists_is_kept_and_the_run_refused(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    precious = tmp_path / "precious.mcap"
    precious.write_bytes(b"precious")
    options = ("--robot", "koch-sim", "--model", str(bundle), "--task", TASK, "--record", str(precious))
    assert "exists already" in refused(capsys, monkeypatch, *options)
    assert precious.read_bytes() == b"precious"

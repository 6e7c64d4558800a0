"""What Rerun is told of a run, read back by Rerun's own program, and that it listens to this machine only."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from libra_edge.messages import ActionChunk, Frame, Plan
from libra_edge.runtime.command import Command
from libra_edge.runtime.governor import Verdict
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.recording import read_messages, read_metadata
from libra_edge.runtime.recording_messages import (
    chunk_entry,
    command_entries,
    fault_entry,
    frame_entry,
    log_entry,
    plan_entry,
)
from libra_edge.runtime.supervisor import State
from tests.runtime_policy.fakes import POSE, ROBOT, an_observation

pytest.importorskip("rerun", reason="Rerun is not installed: the extra `view`")
from libra_edge.runtime.rerun_process import HOST, RerunProcess, rerun_program
from libra_edge.runtime.rerun_view import RerunView

MS = 1_000_000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Half a second of a run."""
    recorder = Recorder(tmp_path / "run.mcap", {"task": "touch it", "robot_file": ROBOT.model_dump_json()})
    observation = an_observation(number=7)
    for camera in ROBOT.camera:
        image = np.full((camera.height, camera.width, 3), 90, np.uint8)
        recorder.put(frame_entry(Frame(camera.name, image, 1, 10 * MS)))
    recorder.put(plan_entry(Plan(4, np.arange(60).reshape(10, 6) % 10, 20, 0, 10 * MS, 60 * MS), observation))
    chunk = ActionChunk(3, np.tile(POSE, (5, 1)), 21, 100 * MS, 100 * MS, 4, 1, 10 * MS)
    recorder.put(chunk_entry(chunk, observation, ready_ns=80 * MS))
    command = Command(0, 0, POSE.copy(), POSE.copy(), 3, 2, 77, Verdict(np.zeros(6, np.uint8)), State.RUNNING, 1500)
    for number in range(50):
        for entry in command_entries(
            replace(command, number=number, time_ns=100 * MS + 10 * MS * number), ROBOT.joint_names
        ):
            recorder.put(entry)
    recorder.put(fault_entry(300 * MS, 0.3, "a cable came loose", "hold"))
    recorder.put(log_entry(310 * MS, "moving again", warning=False))
    recorder.close({})
    return recorder.path


def test_rerun_reads_what_the_view_says(recording: Path, tmp_path: Path) -> None:
    view, saved = RerunView(read_metadata(recording)["run"]), tmp_path / "run.rrd"
    view.save(str(saved))
    for message in read_messages(recording):
        view.show(message)
    view.close()
    printed = subprocess.run(
        [rerun_program(), "rrd", "print", "-vvv", str(saved)], capture_output=True, check=True, text=True
    ).stdout
    joints = [f"/joints/{name}/{which}" for name in ROBOT.joint_names for which in ("goal", "measured", "chunk")]
    others = ["/camera/front", "/camera/wrist", "/arm/goal/bones", "/arm/measured/balls", "/arm/table", "/plan/tokens"]
    ages = ["/ages/plan_steps", "/ages/picture_to_chunk_ms", "/servo/lateness_us", "/servo/fenced_joints"]
    for entity in (*joints, *others, *ages):
        assert entity in printed
    assert "a cable came loose: hold" in printed
    assert "moving again" in printed


def test_a_chunk_is_drawn_at_the_times_that_it_is_for(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, list[int]] = {}
    view = RerunView(read_metadata(recording)["run"])

    def keep(entity: str, indexes: list[object], columns: object, recording: object) -> None:
        times = indexes[0].as_arrow_array()  # type: ignore[attr-defined]
        sent[entity] = [each.value for each in times]

    monkeypatch.setattr("libra_edge.runtime.rerun_view.rr.send_columns", keep)
    chunk = next(message for message in read_messages(recording) if message.topic == "/policy/chunk")
    view.show(chunk)
    assert sent["joints/gripper/chunk"] == [chunk.time_ns + (20 + 100 * (row + 1)) * MS for row in range(5)]


def test_pages_are_for_this_machine_only() -> None:
    rerun = RerunProcess.start(window=False)
    try:
        assert rerun.seen_at is not None
        ports = {int(address.split(":")[2].split("/")[0]) for address in (rerun.url, rerun.seen_at)}
        listening = set(_listening(rerun.process.pid))
        assert ports <= {port for _, port in listening}
        assert {host for host, _ in listening} == {HOST}
    finally:
        rerun.close()
    assert rerun.process.poll() is not None


def _listening(process: int) -> list[tuple[str, int]]:
    """Address and port of every TCP socket that a process of this name space listens on."""
    inodes = {link.readlink().name for link in Path(f"/proc/{process}/fd").iterdir() if link.is_symlink()}
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.append(_address(fields[1], table))
    return found


def _address(coded: str, table: str) -> tuple[str, int]:
    host, port = coded.split(":")
    if table == "tcp":
        return socket.inet_ntoa(bytes.fromhex(host)[::-1]), int(port, 16)
    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(host)), int(port, 16)

"""The black box: what goes in comes out bit for bit, and neither a full disk nor a slow one reaches the caller."""

from __future__ import annotations

import json
import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

from libra_edge.errors import RecordingError
from libra_edge.messages import ActionChunk, Frame, Plan
from libra_edge.runtime import recorder as recorder_module
from libra_edge.runtime.command import Command
from libra_edge.runtime.governor import Fence, Verdict
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.recording import read_messages, read_metadata
from libra_edge.runtime.recording_messages import (
    CHUNK,
    CHUNK_FORM,
    COMMAND,
    COMMAND_FORM,
    GOAL,
    PLAN,
    PLAN_FORM,
    SEEN,
    Entry,
    JsonForm,
    chunk_entry,
    command_entries,
    fault_entry,
    frame_entry,
    log_entry,
    plan_entry,
)
from libra_edge.runtime.supervisor import State
from tests.runtime_policy.fakes import POSE, ROBOT, an_observation

AWKWARD = np.array([0.1, 1 / 3, -np.pi, 5e-324, 1e300, -0.0])


def a_frame(number: int, camera: str = "front", height: int = 180, width: int = 320) -> Frame:
    pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Frame(camera, pixels, number, 10_000 + number)


def a_command(number: int) -> Command:
    fences = np.array([0, Fence.VELOCITY, Fence.RANGE | Fence.BRAKING, 0, 0, 0], np.uint8)
    return Command(
        number, 1_000_000 * number, AWKWARD.copy(), POSE.copy(), 3, 2, 77, Verdict(fences), State.RUNNING, 1500
    )


def a_plan() -> Plan:
    return Plan(4, np.arange(60).reshape(10, 6) % 10, 20, 0, 100, 200)


def a_chunk() -> ActionChunk:
    return ActionChunk(3, np.tile(AWKWARD, (5, 1)), 21, 5_000, 100, 4, 1, 90)


def test_everything_comes_back_bit_for_bit(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new" / "run.mcap", {"task": "touch the red cube"})
    frames = [a_frame(number) for number in range(3)]
    observation = an_observation(number=7)
    for frame in frames:
        recorder.put(frame_entry(frame))
    recorder.put(plan_entry(a_plan(), observation))
    recorder.put(chunk_entry(a_chunk(), observation, ready_ns=4_000))
    for entry in command_entries(a_command(5), ROBOT.joint_names):
        recorder.put(entry)
    recorder.close({"success": "true"})

    messages = list(read_messages(recorder.path))
    pictures = [message.picture() for message in messages if message.camera == "front"]
    for picture, frame in zip(pictures, frames, strict=True):
        np.testing.assert_array_equal(picture, frame.image)
    content = {message.topic: message.json() for message in messages if message.topic in (PLAN, CHUNK, COMMAND)}
    np.testing.assert_array_equal(content[PLAN]["tokens"], a_plan().tokens)
    np.testing.assert_array_equal(content[CHUNK]["positions_rad"], a_chunk().positions)
    np.testing.assert_array_equal(content[COMMAND]["goal_rad"], AWKWARD)
    for form, topic in ((PLAN_FORM, PLAN), (CHUNK_FORM, CHUNK), (COMMAND_FORM, COMMAND)):
        assert content[topic].keys() == form.properties.keys()
    assert content[CHUNK]["seen"].keys() == SEEN.keys()
    assert content[CHUNK]["seen"]["frames"] == {"front": 7, "wrist": 7}
    assert content[COMMAND]["fences"][:3] == ["passed", "velocity", "range+braking"]
    assert content[COMMAND]["plan_age_steps"] == 2
    metadata = read_metadata(recorder.path)
    assert metadata["run"]["task"] == "touch the red cube"
    assert metadata["result"] == {"success": "true", "dropped": "0"}


def test_an_independent_reader_finds_the_index_and_the_schemas(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.mcap", {})
    recorder.put(frame_entry(a_frame(1)))
    recorder.put(log_entry(2_000, "the cube moved", warning=True))
    recorder.put(fault_entry(3_000, 1.5, "old frames", "hold"))
    for entry in command_entries(a_command(0), ROBOT.joint_names):
        recorder.put(entry)
    recorder.close({})
    with recorder.path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        assert summary.statistics.message_count == 6
        decoded = {
            channel.topic: message for _, channel, message, message in reader.iter_decoded_messages([GOAL, "/log"])
        }
        schemas = {schema.name: schema for schema in summary.schemas.values()}
    assert [joint.name for joint in decoded[GOAL].joints] == list(ROBOT.joint_names)
    assert [joint.position for joint in decoded[GOAL].joints] == list(AWKWARD)
    assert decoded["/log"].message == "the cube moved"
    assert json.loads(schemas["libra_edge.Command"].data)["type"] == "object"


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.mcap", {"seed": "7"})
    for number in range(40):
        recorder.put(frame_entry(a_frame(number)))
    recorder.close({})
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(recorder.path.read_bytes()[:-2_000_000])
    assert 20 < len(list(read_messages(cut))) < 40
    assert read_metadata(cut) == {"run": read_metadata(recorder.path)["run"]}


@pytest.mark.parametrize("content", [b"", b"\x89MC", b"not an MCAP file at all", b"\x89MCAP0\r\n" + b"\xff" * 64])
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.mcap"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"is empty|damaged or no MCAP"):
        list(read_messages(path))


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.mcap", {})
    for number in range(8):
        recorder.put(frame_entry(a_frame(number)))
    recorder.close({})
    raw = bytearray(recorder.path.read_bytes())
    raw[len(raw) // 2] ^= 1
    recorder.path.write_bytes(raw)
    with pytest.raises(RecordingError):
        list(read_messages(recorder.path))


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    path.write_bytes(b"precious")
    with pytest.raises(RecordingError, match="exists already"):
        Recorder(path, {})
    assert path.read_bytes() == b"precious"


def test_a_place_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(RecordingError, match="cannot be written"):
        Recorder(blocked / "run.mcap", {})


def test_a_full_disk_is_refused_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "MIN_FREE_BYTES", 1 << 62)
    with pytest.raises(RecordingError, match="MB are free"):
        Recorder(tmp_path / "run.mcap", {})
    assert not (tmp_path / "run.mcap").exists()


@contextmanager
def disk_that_fills_up(limit: int) -> Iterator[None]:
    """No file of this process may grow beyond `limit` bytes; a write beyond fails like one on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


def test_no_room_for_the_first_bytes_is_refused_at_the_start(tmp_path: Path) -> None:
    with disk_that_fills_up(20), pytest.raises(RecordingError, match="free some space"):
        Recorder(tmp_path / "run.mcap", {"task": "touch the red cube"})
    assert not (tmp_path / "run.mcap").exists()


def test_a_disk_that_fills_up_stops_the_recording_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with disk_that_fills_up(3_000_000):
        recorder = Recorder(tmp_path / "run.mcap", {})
        for number in range(60):
            recorder.put(frame_entry(a_frame(number)))
        recorder.close({})
    assert recorder.failure is not None
    assert [record.message for record in caplog.records if "control goes on" in record.message]
    assert 1 < len(list(read_messages(recorder.path))) < 60


def test_a_disk_that_hangs_costs_messages_not_time_and_they_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    released = threading.Event()

    def encode_when_released(_wall_ns: int) -> bytes:
        released.wait()
        return b"{}"

    recorder = Recorder(tmp_path / "run.mcap", {})
    recorder.put(Entry("/slow", JsonForm("Slow", {}), 0, encode_when_released))
    frames = recorder_module.MAX_WAITING_BYTES // a_frame(0).image.nbytes + 5
    frame = a_frame(0)
    for _ in range(frames):
        recorder.put(frame_entry(frame))
    released.set()
    recorder.close({})
    written = len(list(read_messages(recorder.path)))
    assert recorder.dropped >= 4
    assert written == frames + 1 - recorder.dropped
    assert read_metadata(recorder.path)["result"]["dropped"] == str(recorder.dropped)
    announced = [record.message for record in caplog.records]
    assert ["missing" in line for line in announced] == [True, False]
    assert f"lacks {recorder.dropped} messages" in announced[1]


def test_a_sync_that_hangs_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this test moves on by itself while the disk hangs: callers, the queue and the file must."""
    hanging, freed, written = threading.Event(), threading.Event(), threading.Event()

    def hang(_descriptor: int) -> None:
        hanging.set()
        assert freed.wait(60.0)

    def encode(_wall_ns: int) -> bytes:
        written.set()
        return b"{}"

    monkeypatch.setattr(os, "fdatasync", hang)
    recorder = Recorder(tmp_path / "run.mcap", {})
    assert hanging.wait(60.0)
    for number in range(50):
        recorder.put(log_entry(number, "while it hangs", warning=False))
    recorder.put(replace(log_entry(50, "the last", warning=False), encode=encode))
    assert written.wait(60.0)
    assert not freed.is_set()
    freed.set()
    recorder.close({})
    assert sum(1 for message in read_messages(recorder.path) if message.topic == "/log") == 51
    assert (recorder.dropped, recorder.failure) == (0, None)


def test_close_may_be_called_again_and_late_messages_are_ignored(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.mcap", {})
    recorder.close({"success": "false"})
    recorder.put(frame_entry(a_frame(0)))
    recorder.close({"success": "true"})
    assert read_metadata(recorder.path)["result"]["success"] == "false"

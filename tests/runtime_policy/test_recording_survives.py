"""A recording whose process is killed, or whose computer loses power: it opens, and lacks a second at most."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mcap.exceptions import EndOfFile
from mcap.opcode import Opcode
from mcap.records import Message
from mcap.stream_reader import StreamReader

from libra_edge.errors import RecordingError
from libra_edge.mcap_file import MAGIC
from libra_edge.runtime import recorder as recorder_module
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.recording import read_messages, read_metadata
from libra_edge.runtime.recording_messages import COMMAND, command_entries, frame_entry, log_entry
from tests.runtime_policy.fakes import ROBOT
from tests.runtime_policy.test_recording import a_command, a_frame

MOST_LOST_S = 1.0


def killed_after(path: Path, seconds: float, *how: str) -> int:
    """Record for so long, then kill; when that was, monotonic nanoseconds."""
    command = [sys.executable, "-m", "tests.runtime_policy.recording_child", str(path), *how]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"recording\n"
        time.sleep(seconds)
        child.kill()
        return time.monotonic_ns()


@pytest.mark.parametrize("how", [(), ("power cut",)], ids=["SIGKILL", "power cut"])
@pytest.mark.parametrize("seed", range(5))
def test_at_most_a_second_is_lost_and_what_is_left_has_no_gap(tmp_path: Path, seed: int, how: tuple[str, ...]) -> None:
    path = tmp_path / "run.mcap"
    killed_ns = killed_after(path, float(np.random.default_rng(seed).uniform(0.7, 2.0)), *how)
    messages = [message for message in read_messages(path) if message.topic == "/log"]
    offset_ns = int(read_metadata(path)["run"]["wall_offset_ns"])
    assert (killed_ns - (messages[-1].time_ns - offset_ns)) / 1e9 <= MOST_LOST_S
    assert len(messages) > 10
    assert [messages[index].data != messages[index + 1].data for index in range(len(messages) - 1)].count(False) == 0
    with path.open("rb") as file:
        theirs: list[object] = []
        with pytest.raises(EndOfFile):
            theirs.extend(record for record in StreamReader(file).records if isinstance(record, Message))
    assert len(theirs) >= len(messages)


@pytest.mark.parametrize("tail", [b"", b"\x00" * 5000, b"\xff" * 5000], ids=["torn", "zeros", "garbage"])
def test_a_torn_end_is_left_out(tmp_path: Path, tail: bytes) -> None:
    recorder = Recorder(tmp_path / "run.mcap", {})
    for number in range(12):
        recorder.put(frame_entry(a_frame(number)))
    recorder.close({})
    whole = recorder.path.read_bytes()
    recorder.path.write_bytes(whole[: len(whole) * 2 // 3] + tail)
    assert 0 < len(list(read_messages(recorder.path))) < 12


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Six messages, each in a chunk of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder_module, "FLUSH_EVERY_S", 0.0)
        recorder = Recorder(tmp_path_factory.mktemp("small") / "run.mcap", {"task": "none"})
        for number in range(6):
            recorder.put(log_entry(time.monotonic_ns(), str(number), warning=False))
        recorder.close({})
    return recorder.path.read_bytes()


def record_ends(raw: bytes, opcode: Opcode) -> list[int]:
    """Where each record of this kind ends: https://mcap.dev/spec#records."""
    ends, position = [], len(MAGIC)
    while position < len(raw) - len(MAGIC):
        found, size = struct.unpack_from("<BQ", raw, position)
        position += 9 + size
        ends += [position] * (found == opcode)
    return ends


def read_count(path: Path, raw: bytes) -> int:
    """Messages in `raw`; 0 for what is refused."""
    path.write_bytes(raw)
    try:
        read_metadata(path)
        return len(list(read_messages(path)))
    except RecordingError:
        return 0


def test_every_cut_is_read_up_to_its_last_whole_chunk(tmp_path: Path, small: bytes) -> None:
    ends = record_ends(small, Opcode.CHUNK)
    assert len(ends) == 6
    for cut in range(len(small) + 1):
        assert read_count(tmp_path / "cut.mcap", small[:cut]) == sum(end <= cut for end in ends)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0.0, 1.0), tail=st.binary(min_size=1, max_size=200))
def test_whatever_follows_a_cut_no_message_before_it_is_lost(
    tmp_path: Path, small: bytes, at: float, tail: bytes
) -> None:
    first, *_, last = record_ends(small, Opcode.CHUNK)
    cut = first + int(at * (last - first))
    assume(not (small[:cut] + tail).endswith(MAGIC))  # that is a file that was closed: damaged, it is refused
    whole = sum(end <= cut for end in record_ends(small, Opcode.CHUNK))
    assert read_count(tmp_path / "cut.mcap", small[:cut] + tail) >= whole


@pytest.mark.parametrize("length", [1 << 40, (1 << 64) - 1])
def test_a_chunk_that_claims_more_than_any_file_holds_is_left_out(tmp_path: Path, small: bytes, length: int) -> None:
    cut = record_ends(small, Opcode.CHUNK)[2]
    chunk = struct.pack("<QQQII4sQ", 0, 0, 0, 0, 4, b"zstd", length)
    tail = struct.pack("<BQ", Opcode.CHUNK, len(chunk)) + chunk
    assert read_count(tmp_path / "cut.mcap", small[:cut] + tail) == 3


def test_a_message_of_no_known_channel_ends_what_was_cut_off_and_refuses_what_was_closed(
    tmp_path: Path, small: bytes
) -> None:
    cut = record_ends(small, Opcode.CHUNK)[2]
    stale = struct.pack("<BQHIQQ", Opcode.MESSAGE, 23, 777, 0, 0, 0) + b"x"
    assert read_count(tmp_path / "cut.mcap", small[:cut] + stale) == 3
    (tmp_path / "closed.mcap").write_bytes(small[:cut] + stale + small[cut:])
    with pytest.raises(RecordingError, match="damaged"):
        list(read_messages(tmp_path / "closed.mcap"))


def test_when_the_disk_is_too_slow_pictures_are_lost_and_commands_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module.Recorder, "_write_what_comes", lambda _self: None)
    recorder = Recorder(tmp_path / "run.mcap", {})
    frame = a_frame(0)
    for _ in range(recorder_module.MAX_WAITING_BYTES // frame.image.nbytes + 1):
        recorder.put(frame_entry(frame))
    lost = recorder.dropped
    assert lost > 0
    for entry in command_entries(a_command(1), ROBOT.joint_names):
        recorder.put(entry)
    assert recorder.dropped == lost
    assert COMMAND in {entry.topic for entry in recorder._waiting}
    recorder.close({})

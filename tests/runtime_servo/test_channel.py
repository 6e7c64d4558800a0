"""The memory shared by policy and servo process."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libra_edge.errors import ProcessError
from libra_edge.messages import ActionChunk, JointState
from libra_edge.runtime.channel import PolicyChannel, ServoChannel
from libra_edge.runtime.channel_layout import HEADER_TYPE, MAX_ROWS, chunk_type
from libra_edge.runtime.channel_record import RecordReader, record_bytes
from libra_edge.runtime.channel_ring import ENTRIES
from libra_edge.runtime.command import Command
from libra_edge.runtime.governor import Fence, Verdict
from libra_edge.runtime.servo_durations import Durations
from libra_edge.runtime.servo_telemetry import COUNTED_FENCES, ServoTelemetry
from libra_edge.runtime.supervisor import Event, State
from libra_edge.runtime.tick_times import TickTimes

JOINTS = 3
HEADER_BYTES = HEADER_TYPE.itemsize


@pytest.fixture
def servo(tmp_path: Path) -> ServoChannel:
    return ServoChannel(tmp_path, JOINTS)


@pytest.fixture
def policy(servo: ServoChannel, tmp_path: Path) -> PolicyChannel:
    assert servo is not None
    return PolicyChannel(tmp_path, JOINTS)


def make_chunk(chunk_id: int, rows: int = 5) -> ActionChunk:
    positions = np.random.default_rng(chunk_id).normal(size=(rows, JOINTS))
    return ActionChunk(chunk_id, positions, 10, 2**60, 100_000_000, 7, 3, 2**60 - 5)


def make_command(number: int, chunk_id: int | None = None) -> Command:
    values = np.arange(JOINTS, dtype=np.float64)
    fences = np.array([0, Fence.RANGE, Fence.VELOCITY | Fence.BRAKING], dtype=np.uint8)
    age, captured_ns = (None, None) if chunk_id is None else (4, 99)
    verdict, current = Verdict(fences), np.array([np.nan, 12.0, -480.0])
    command = Command(
        number, 5 + number, values, -values, chunk_id, age, captured_ns, verdict, State.RUNNING, -3, current
    )
    return command if chunk_id is None else dataclasses.replace(command, tick=TickTimes(1, 2, 6, 2**60, 2**60 + 1))


def assert_same(found: object, expected: object) -> None:
    """Equal field by field, arrays included."""
    assert type(found) is type(expected)
    assert dataclasses.is_dataclass(found)
    for field in dataclasses.fields(found):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(other, (Verdict, Durations)):
            one, other = one.__reduce_ex__(2)[2], other.__reduce_ex__(2)[2]
        np.testing.assert_equal(one, other, err_msg=field.name)


def test_a_chunk_arrives_once_and_bit_for_bit(servo: ServoChannel, policy: PolicyChannel) -> None:
    assert servo.new_chunk() is None
    policy.send_chunk(make_chunk(4))
    found = servo.new_chunk()
    assert found is not None
    assert_same(found, make_chunk(4))
    assert servo.new_chunk() is None


def test_only_the_newest_chunk_is_seen(servo: ServoChannel, policy: PolicyChannel) -> None:
    for chunk_id in range(5):
        policy.send_chunk(make_chunk(chunk_id))
    found = servo.new_chunk()
    assert found is not None
    assert found.chunk_id == 4


@pytest.mark.parametrize("shape", [(MAX_ROWS + 1, JOINTS), (5, JOINTS + 1), (0, JOINTS)])
def test_a_chunk_that_does_not_fit_is_refused_at_the_sender(policy: PolicyChannel, shape: tuple[int, int]) -> None:
    chunk = ActionChunk(1, np.zeros(shape), 0, 0, 1, 0, 0, 0)
    with pytest.raises(ValueError, match="does not fit"):
        policy.send_chunk(chunk)


def test_joints_and_telemetry_arrive_and_stay_readable(servo: ServoChannel, policy: PolicyChannel) -> None:
    assert policy.joint_state() is None
    assert policy.telemetry() is None
    lateness = Durations()
    lateness.add(70_000)
    joints = JointState(np.arange(3.0), -np.arange(3.0), 12)
    telemetry = ServoTelemetry(
        time_ns=9,
        state=State.HOLDING,
        cause=Event.PRESSED,
        ticks=3,
        deadline_misses=1,
        failed_reads=5,
        recoveries=6,
        trouble="no answer from servo 3",
        chunk_id=0,
        first_command_ns=4,
        first_captured_ns=2,
        chunks_accepted=7,
        chunks_refused=8,
        governed=10,
        fences=dict.fromkeys(COUNTED_FENCES, 2),
        lateness=lateness,
        busy=lateness,
        fault="é" * 400,
    )
    untold = ServoTelemetry(time_ns=0, state=State.OFF)
    names = [field.name for field in dataclasses.fields(telemetry)]
    assert [name for name in names if getattr(telemetry, name) == getattr(untold, name)] == []
    servo.publish_joints(joints)
    servo.publish_telemetry(telemetry)
    for _ in range(2):
        found_joints, found_telemetry = policy.joint_state(), policy.telemetry()
        assert found_joints is not None
        assert found_telemetry is not None
        assert_same(found_joints, joints)
        assert found_telemetry.fault == "é" * 120
        assert_same(dataclasses.replace(found_telemetry, fault=""), dataclasses.replace(telemetry, fault=""))


def test_commands_are_drained_in_order_and_bit_for_bit(servo: ServoChannel, policy: PolicyChannel) -> None:
    for number in range(10):
        servo.log(make_command(number, chunk_id=number % 3 or None))
    found = policy.drain_commands()
    assert [command.number for command in found] == list(range(10))
    assert_same(found[3], make_command(3, chunk_id=None))
    assert_same(found[5], make_command(5, chunk_id=2))
    assert policy.drain_commands() == []


def test_a_reader_of_the_log_that_comes_too_late_goes_on_from_what_is_left(
    servo: ServoChannel, policy: PolicyChannel
) -> None:
    for number in range(2 * ENTRIES + 100):
        servo.log(make_command(number))
    numbers = [command.number for command in policy.drain_commands()]
    assert numbers[-1] == 2 * ENTRIES + 99
    assert len(numbers) >= ENTRIES // 2
    assert np.all(np.diff(numbers) == 1)


@settings(deadline=None)
@given(start=st.integers(0, record_bytes(chunk_type(JOINTS)) - 1), noise=st.binary(min_size=1, max_size=200))
def test_scribbled_memory_never_becomes_a_chunk(
    tmp_path_factory: pytest.TempPathFactory, start: int, noise: bytes
) -> None:
    directory = tmp_path_factory.getbasetemp()
    servo = ServoChannel(directory, JOINTS)
    policy = PolicyChannel(directory, JOINTS)
    policy.send_chunk(make_chunk(1))
    path = directory / "chunk"
    intact = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(HEADER_BYTES + start)
        file.write(noise[: record_bytes(chunk_type(JOINTS)) - start])
    found = servo.new_chunk()
    if path.read_bytes() == intact:
        assert found is not None
        return
    assert found is None
    policy.send_chunk(make_chunk(2))
    found = servo.new_chunk()
    assert found is not None
    assert_same(found, make_chunk(2))


def test_a_scribbled_chunk_is_counted_once(servo: ServoChannel, policy: PolicyChannel, tmp_path: Path) -> None:
    policy.send_chunk(make_chunk(1))
    with (tmp_path / "chunk").open("r+b") as file:
        file.seek(HEADER_BYTES + 40)
        file.write(b"scribble")
    assert [servo.new_chunk() for _ in range(3)] == [None, None, None]
    assert servo.refused == 1


def test_a_chunk_half_written_by_a_process_that_died_is_never_used(
    servo: ServoChannel, policy: PolicyChannel, tmp_path: Path
) -> None:
    policy.send_chunk(make_chunk(1))
    with (tmp_path / "chunk").open("r+b") as file:
        file.seek(HEADER_BYTES)
        file.write((3).to_bytes(8, "little"))
    assert servo.new_chunk() is None


WRITER = """
import sys
from pathlib import Path
import numpy as np
from libra_edge.messages import ActionChunk
from libra_edge.runtime.channel import PolicyChannel

policy = PolicyChannel(Path(sys.argv[1]), 3)
for number in range(1, 5_001):
    rows = np.full((64, 3), float(number))
    policy.send_chunk(ActionChunk(number, rows, number, number, number, number, number, number))
"""


def test_no_torn_chunk_is_ever_seen_while_another_process_writes_as_fast_as_it_can(tmp_path: Path) -> None:
    servo = ServoChannel(tmp_path, JOINTS)
    seen: list[int] = []
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)]) as writer:
        while writer.poll() is None or not seen or seen[-1] != 5_000:
            chunk = servo.new_chunk()
            if chunk is not None:
                assert set(chunk.positions.ravel()) == {float(chunk.chunk_id)}
                assert chunk.start_ns == chunk.chunk_id
                seen.append(chunk.chunk_id)
    assert seen == sorted(set(seen))
    assert servo.refused == 0


def test_the_policy_cannot_write_what_the_servo_process_says(policy: PolicyChannel) -> None:
    reader = policy._telemetry_reader
    assert isinstance(reader, RecordReader)
    with pytest.raises(TypeError):
        reader._memory[0] = 1


def test_memory_of_another_make_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="cannot map"):
        PolicyChannel(tmp_path, JOINTS)
    ServoChannel(tmp_path, JOINTS)
    with pytest.raises(ProcessError, match="with 4 joints"):
        PolicyChannel(tmp_path, JOINTS + 1)
    with (tmp_path / "state").open("r+b") as file:
        file.write(b"OTHERXYZ")
    with pytest.raises(ProcessError, match="another version"):
        PolicyChannel(tmp_path, JOINTS)

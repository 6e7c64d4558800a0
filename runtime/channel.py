"""The memory that policy process and servo process share: newest chunk one way, newest state and the log the other.

    policy process  -- chunk -->  servo process         file `chunk`, written by the policy process alone
    policy process  <-- state --  servo process         file `state`, written by the servo process alone

The servo process makes both files in its private directory; nobody ever waits for anybody.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np

from libra_edge.errors import ProcessError
from libra_edge.messages import ActionChunk, JointState
from libra_edge.runtime import channel_layout as layout
from libra_edge.runtime.channel_record import RecordReader, RecordWriter, record_bytes
from libra_edge.runtime.channel_ring import RingReader, RingWriter, ring_bytes
from libra_edge.runtime.command import Command
from libra_edge.runtime.servo_telemetry import ServoTelemetry

CHUNK_FILE = "chunk"
STATE_FILE = "state"


class ServoChannel:
    """The servo process's end. It reads nothing that the policy process can write but the chunk, which it checks."""

    def __init__(self, directory: Path, joints: int) -> None:
        """Make both files in `directory`, in place of any left over."""
        chunks = _create(directory / CHUNK_FILE, joints, _after_header(record_bytes(layout.chunk_type(joints))))
        state = _create(directory / STATE_FILE, joints, _state_bytes(joints))
        at_joints, at_log = _state_offsets(joints)
        self._chunks = RecordReader(chunks, layout.HEADER_TYPE.itemsize, layout.chunk_type(joints))
        self._telemetry = RecordWriter(state, layout.HEADER_TYPE.itemsize, layout.TELEMETRY_TYPE)
        self._joints = RecordWriter(state, at_joints, layout.joints_type(joints))
        self._log = RingWriter(state, at_log, layout.command_type(joints))
        self._telemetry_record = np.zeros((), layout.TELEMETRY_TYPE)
        self._joints_record = np.zeros((), layout.joints_type(joints))
        self._command_record = np.zeros((), layout.command_type(joints))
        self._undecodable = 0

    @property
    def refused(self) -> int:
        """How many chunks did not check: torn for good, scribbled over, or not a chunk at all."""
        return self._chunks.refused + self._undecodable

    def new_chunk(self) -> ActionChunk | None:
        """The newest chunk if it was not seen before and checks, else None. Its goals may still be any numbers."""
        record = self._chunks.poll()
        if record is None:
            return None
        try:
            return layout.decode_chunk(record)
        except ValueError:
            self._undecodable += 1
            return None

    def publish_joints(self, joints: JointState) -> None:
        """Show the newest joint state."""
        layout.encode_joints(joints, self._joints_record)
        self._joints.write(self._joints_record)

    def publish_telemetry(self, telemetry: ServoTelemetry) -> None:
        """Show the newest telemetry."""
        layout.encode_telemetry(telemetry, self._telemetry_record)
        self._telemetry.write(self._telemetry_record)

    def log(self, command: Command) -> None:
        """Add a command to the log."""
        layout.encode_command(command, self._command_record)
        self._log.append(self._command_record)


class PolicyChannel:
    """The policy process's end. What it has read last stays readable after the servo process has gone."""

    def __init__(self, directory: Path, joints: int) -> None:
        """Map the files in `directory`. Raises ProcessError if they are not what a servo process of ours makes."""
        chunks = _attach(directory / CHUNK_FILE, joints, _after_header(record_bytes(layout.chunk_type(joints))), True)
        state = _attach(directory / STATE_FILE, joints, _state_bytes(joints), False)
        at_joints, at_log = _state_offsets(joints)
        self._chunks = RecordWriter(chunks, layout.HEADER_TYPE.itemsize, layout.chunk_type(joints))
        self._chunk_record = np.zeros((), layout.chunk_type(joints))
        self._telemetry_reader = RecordReader(state, layout.HEADER_TYPE.itemsize, layout.TELEMETRY_TYPE)
        self._joints_reader = RecordReader(state, at_joints, layout.joints_type(joints))
        self._log = RingReader(state, at_log, layout.command_type(joints))
        self._telemetry: ServoTelemetry | None = None
        self._joints: JointState | None = None

    def send_chunk(self, chunk: ActionChunk) -> None:
        """Make `chunk` the newest one. Raises ValueError if it has too many rows or another number of joints."""
        layout.encode_chunk(chunk, self._chunk_record)
        self._chunks.write(self._chunk_record)

    def joint_state(self) -> JointState | None:
        """The newest joint state; None before the first."""
        record = self._joints_reader.poll()
        if record is not None:
            self._joints = layout.decode_joints(record)
        return self._joints

    def telemetry(self) -> ServoTelemetry | None:
        """The newest telemetry; None before the first."""
        record = self._telemetry_reader.poll()
        if record is not None:
            self._telemetry = layout.decode_telemetry(record)
        return self._telemetry

    def drain_commands(self) -> list[Command]:
        """Every command since the last call, oldest first; the log keeps the newest 4096."""
        return [layout.decode_command(number, record) for number, record in self._log.drain()]


def _after_header(size: int) -> int:
    return layout.HEADER_TYPE.itemsize + size


def _state_offsets(joints: int) -> tuple[int, int]:
    """Where in the `state` file the joint state begins, and where the log."""
    at_joints = _after_header(record_bytes(layout.TELEMETRY_TYPE))
    return at_joints, at_joints + record_bytes(layout.joints_type(joints))


def _state_bytes(joints: int) -> int:
    return _state_offsets(joints)[1] + ring_bytes(layout.command_type(joints))


def _header(joints: int) -> np.ndarray[Any, np.dtype[Any]]:
    return np.array((layout.MAGIC, layout.VERSION, joints), layout.HEADER_TYPE)


def _create(path: Path, joints: int, size: int) -> mmap.mmap:
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.posix_fallocate(file, 0, size)
        memory = mmap.mmap(file, size)
    finally:
        os.close(file)
    memory[: layout.HEADER_TYPE.itemsize] = _header(joints).tobytes()
    return memory


def _attach(path: Path, joints: int, size: int, writable: bool) -> mmap.mmap:
    access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
    try:
        with path.open("r+b" if writable else "rb") as file:
            if os.fstat(file.fileno()).st_size != size:
                raise ProcessError(f"{path} is not the memory of a servo process with {joints} joints")
            memory = mmap.mmap(file.fileno(), size, access=access)
    except OSError as error:
        raise ProcessError(f"cannot map the servo process's memory {path}: {error.strerror}") from error
    if memory[: layout.HEADER_TYPE.itemsize] != _header(joints).tobytes():
        raise ProcessError(f"{path} was made by another version of libra-edge; stop that servo process first")
    return memory

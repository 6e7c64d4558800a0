"""The policy process's hold on the servo process: starts it, feeds it chunks, sees how it fares.

While the client lives it keeps a pipe to the servo process open; when the policy process dies, by whatever means, the
pipe closes and the arm holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from libra_edge.errors import InputError, ProcessError
from libra_edge.messages import ActionChunk, JointState
from libra_edge.runtime.channel import PolicyChannel
from libra_edge.runtime.command import Command
from libra_edge.runtime.control_socket import Reply, Request, ask
from libra_edge.runtime.servo_directory import ServoDirectory
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.supervisor import State

SERVO_MODULE = "libra_edge.cli.servo"
LOOK_EVERY_S = 0.01
LAST_WORDS = 20
LEVELS = {"DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARNING": logging.WARNING, "ERROR": logging.ERROR}
logger = logging.getLogger("libra_edge.servo")


class ServoClient:
    """A running servo process, used from one event loop. Made by `launch`."""

    def __init__(self, process: asyncio.subprocess.Process, directory: Path, joints: int, pipe: int) -> None:
        """Takes over `pipe`, the write end whose closing tells the servo process that we are gone."""
        self._process = process
        self._directory = ServoDirectory(directory)
        self._channel = PolicyChannel(directory, joints)
        self._pipe: int | None = pipe
        self._words: asyncio.Task[list[str]] | None = None

    @classmethod
    async def launch(cls, arguments: Sequence[str], *, joints: int, patience_s: float = 30.0) -> ServoClient:
        """Start `python -m libra_edge.cli.servo ARGUMENTS` and wait until its arm is open and under torque.

        Raises InputError (missing hardware, arm taken: the servo process's own sentence) or ProcessError.
        """
        read_end, write_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", SERVO_MODULE, *arguments, "--policy-pipe", str(read_end)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(read_end,),
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        finally:
            os.close(read_end)
        return await _introduced(process, write_end, joints, patience_s)

    @property
    def exit_code(self) -> int | None:
        """None while the servo process runs."""
        return self._process.returncode

    @property
    def process_id(self) -> int:
        """Of the servo process."""
        return self._process.pid

    def send_chunk(self, chunk: ActionChunk) -> None:
        """Make `chunk` the newest one; never waits. Chunks sent before `start` was accepted are not used."""
        self._channel.send_chunk(chunk)

    def joint_state(self) -> JointState:
        """The newest measured joints, however old: look at `measured_ns`. Raises ProcessError before the first."""
        joints = self._channel.joint_state()
        if joints is None:
            raise ProcessError("the servo process has not shown a joint state yet")
        return joints

    def telemetry(self) -> ServoTelemetry:
        """The newest telemetry; the last one stays readable after the end. Raises ProcessError before the first."""
        telemetry = self._channel.telemetry()
        if telemetry is None:
            raise ProcessError("the servo process has not shown its telemetry yet")
        return telemetry

    def drain_commands(self) -> list[Command]:
        """Every command written since the last call, oldest first. Call it at least every 20 s or so."""
        return self._channel.drain_commands()

    async def request(self, request: Request | str) -> Reply:
        """`start`, `stop`, `hold`, `task` or `status`. Raises ProcessError if the servo process does not answer."""
        return await ask(self._directory.socket, Request(request))

    async def wait_for(self, *states: State, patience_s: float) -> State:
        """Wait until the supervisor is in one of `states`.

        Raises ProcessError when it fell into a fault, ended or ran out of patience instead.
        """
        deadline = asyncio.get_running_loop().time() + patience_s
        while (telemetry := self.telemetry()).state not in states:
            if telemetry.state is State.FAULT or self.exit_code is not None:
                raise ProcessError(f"the servo process has stopped: {telemetry.fault or telemetry.state.value}")
            if asyncio.get_running_loop().time() > deadline:
                wanted = " or ".join(state.value for state in states)
                raise ProcessError(f"the servo process is still {telemetry.state.value}, not {wanted}")
            await asyncio.sleep(LOOK_EVERY_S)
        return telemetry.state

    async def wait_closed(self) -> int:
        """Wait until the servo process has ended by itself; its exit code."""
        code = await self._process.wait()
        self._hang_up()
        if self._words is not None:
            await self._words
        return code

    async def close(self, patience_s: float = 10.0) -> int:
        """Stop the arm in a controlled way and end the servo process; its exit code. May be called twice.

        Raises ProcessError if it does not end; it is left alone then, for it may still hold the arm.
        """
        if self.exit_code is None:
            with contextlib.suppress(ProcessError):
                await self.request(Request.STOP)
        try:
            return await asyncio.wait_for(self.wait_closed(), patience_s)
        except asyncio.TimeoutError as error:
            raise ProcessError(
                f"the servo process {self.process_id} does not end; `libra-edge stop` asks again"
            ) from error

    def listen(self, words: asyncio.Task[list[str]]) -> None:
        """Take over the task that passes on what the servo process says on stderr."""
        self._words = words

    def _hang_up(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


async def _introduced(process: asyncio.subprocess.Process, pipe: int, joints: int, patience_s: float) -> ServoClient:
    """The client once the servo process has said where it is to be found, with its first line on stdout."""
    words = asyncio.create_task(_pass_on(process))
    try:
        where = await asyncio.wait_for(_first_line(process), patience_s)
        if where:
            client = ServoClient(process, Path(json.loads(where)["directory"]), joints, pipe)
            client.listen(words)
            return client
    except BaseException as error:
        os.close(pipe)
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        if isinstance(error, asyncio.TimeoutError):
            raise ProcessError(f"the servo process did not get ready within {patience_s} s") from error
        raise
    os.close(pipe)
    raise _end_of(await process.wait(), await words)


def _end_of(code: int, words: list[str]) -> InputError | ProcessError:
    """Why the servo process ended before it was ready, in its own words."""
    said = words[-1] if words else "it said nothing"
    if code == InputError.exit_code:
        return InputError(said)
    return ProcessError(f"the servo process ended with code {code}: {said}")


async def _first_line(process: asyncio.subprocess.Process) -> bytes:
    return b"" if process.stdout is None else await process.stdout.readline()


async def _pass_on(process: asyncio.subprocess.Process) -> list[str]:
    """Hand the servo process's stderr on to our log, line by line; its last words."""
    last: deque[str] = deque(maxlen=LAST_WORDS)
    if process.stderr is not None:
        async for line in process.stderr:
            level, text = _levelled(line.decode(errors="replace").rstrip())
            last.append(text)
            logger.log(level, "servo: %s", text)
    return list(last)


def _levelled(line: str) -> tuple[int, str]:
    """`WARNING text` -> (logging.WARNING, text); a line without a level is a plain message."""
    name, _, text = line.partition(" ")
    level = LEVELS.get(name)
    return (logging.INFO, line) if level is None else (level, text)

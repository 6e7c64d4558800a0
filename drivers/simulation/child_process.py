"""The runtime's hold on the simulation's process: starts it, learns how to reach it, ends it, reads its ledger."""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from libra_edge.errors import InputError, ProcessError
from libra_edge.robot import Robot

log = logging.getLogger(__name__)

MODULE = "libra_edge.drivers.simulation.process"
START_S = 60.0
END_S = 10.0


class SimulationProcess:
    """A child whose stdin is its lifeline: it ends when that closes, however this process ends.

    Attributes:
        contact: the child's first line, see process.py.
        doorbell: reading end of the pipe for a FrameFeeder, who closes it.
    """

    def __init__(self, robot: Robot, options: Sequence[str]) -> None:
        """`options`: those of process.py, without robot and doorbell. Raises InputError, ProcessError."""
        self.doorbell, ringing_end = os.pipe()
        # A session of its own, so that Ctrl-C in the terminal stops the runtime, which then parks this arm.
        self._process = subprocess.Popen(  # noqa: S603 - no shell, our own module
            [sys.executable, "-m", MODULE, "--robot", "-", "--doorbell", str(ringing_end), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[ringing_end],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # it forks, and shares the machine with the policy
            start_new_session=True,
        )
        os.close(ringing_end)
        self._ledger: dict[str, Any] | None = None
        try:
            self._send(robot.model_dump_json().encode() + b"\n")
            self.contact = self._first_line()
        except BaseException:
            os.close(self.doorbell)
            self._process.kill()
            self._process.communicate()
            raise

    def check(self) -> None:
        """Raises ProcessError if the child has ended by itself."""
        code = self._process.poll()
        if code is not None and self._ledger is None:
            self._process.communicate()  # closes its pipes
            raise ProcessError(f"the simulated robot's process has ended unexpectedly ({_describe(code)})")

    def send(self, order: str) -> None:
        """Hand the child one line. What it makes of it shows in its status."""
        self._send(order.encode() + b"\n")

    def end(self) -> dict[str, Any]:
        """End the child, and return its ledger; may be called again. Raises ProcessError if it had ended by itself."""
        if self._ledger is None:
            self.check()
            self._ledger = self._last_line()
        return self._ledger

    def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except BrokenPipeError:
            log.debug("the simulation has ended and reads nothing")  # what it has to say is on stdout

    def _first_line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], START_S)
        if not ready:
            raise ProcessError(f"the simulated robot did not start within {START_S:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise ProcessError(f"the simulated robot did not start ({_describe(self._process.wait(END_S))})")
        contact: dict[str, Any] = json.loads(line)
        if "error" in contact:
            kind = InputError if contact["exit_code"] == InputError.exit_code else ProcessError
            raise kind(contact["error"])
        return contact

    def _last_line(self) -> dict[str, Any]:
        try:
            output, _ = self._process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            self._process.communicate()
            raise ProcessError(f"the simulated robot did not end within {END_S:.0f} s and was killed") from error
        if self._process.returncode != 0 or not output:
            raise ProcessError(f"the simulated robot left no ledger ({_describe(self._process.returncode)})")
        ledger: dict[str, Any] = json.loads(output.splitlines()[-1])
        return ledger


def _describe(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"

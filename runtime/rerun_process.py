"""Rerun's own program: a window, or pages for a browser; it listens on loopback only."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from libra_edge.errors import MissingDependencyError, ProcessError

HOST = "127.0.0.1"
PATIENCE_S = 20.0
LOOK_EVERY_S = 0.05
MEMORY_LIMIT = "512MB"
"""Of what it keeps for those who look in late; then the oldest goes."""


@dataclass(frozen=True, slots=True)
class RerunProcess:
    """One viewer that listens.

    Attributes:
        url: where to send what it shall show.
        seen_at: where a person finds it: a page's address, or None for a window.
    """

    process: subprocess.Popen[bytes]
    url: str
    seen_at: str | None

    @classmethod
    def start(cls, *, window: bool, patience_s: float = PATIENCE_S) -> RerunProcess:
        """Start it and wait until it listens. Raises MissingDependencyError, ProcessError."""
        port, page_port = _free_ports()
        url = f"rerun+http://{HOST}:{port}/proxy"
        shown = ["--hide-welcome-screen"] if window else ["--serve-web", "--web-viewer-port", str(page_port)]
        limits = ["--memory-limit", MEMORY_LIMIT, "--server-memory-limit", MEMORY_LIMIT]
        arguments = [rerun_program(), "--bind", HOST, "--port", str(port), *limits, *shown]
        process = subprocess.Popen(  # noqa: S603 - no shell; the program is the package's own
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        seen_at = None if window else f"http://{HOST}:{page_port}/?url={url.replace('+', '%2B')}"
        rerun = cls(process, url, seen_at)
        rerun._wait(port if window else page_port, patience_s)
        return rerun

    def close(self) -> None:
        """A window stays, with what it has shown; pages end."""
        if self.seen_at is not None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5.0)

    def _wait(self, port: int, patience_s: float) -> None:
        until = time.monotonic() + patience_s
        while self.process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1.0):
                return
            time.sleep(LOOK_EVERY_S)
        self.process.terminate()
        raise ProcessError(f"Rerun does not listen on port {port} of this machine after {patience_s:g} s")


def rerun_program() -> str:
    """The program that came with the Python package. Raises MissingDependencyError."""
    package = find_spec("rerun_cli")
    program = None if package is None or package.origin is None else Path(package.origin).with_name("rerun")
    if program is None or not program.is_file():
        raise MissingDependencyError("rerun", "install the extra `view`: pip install 'libra-edge[view]'")
    return str(program)


def _free_ports() -> tuple[int, int]:
    """Two that nobody listens on at this moment."""
    with socket.socket() as first, socket.socket() as second:
        first.bind((HOST, 0))
        second.bind((HOST, 0))
        return first.getsockname()[1], second.getsockname()[1]

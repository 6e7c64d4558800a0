"""`libra-edge jog` as somebody has it in front of them: in the foreground of a pseudo-terminal, with keys to press."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from libra_edge.robot import ROBOTS

IN_FRONT = """
import os, sys
os.close(os.open(os.ttyname(0), os.O_RDWR))
from libra_edge.cli.main import main
main()
"""
"""Opening a terminal makes it that of a new session, and the session's first process its foreground."""
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE_S = 60.0
REPEAT_S = 0.03
"""Between two repeats of a held key."""


class Typist:
    """Types on the terminal of a running command, and reads it."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self._shown = bytearray()
        threading.Thread(target=self._read, daemon=True).start()

    def type(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def hold(self, key: bytes, repeats: int) -> None:
        """The key held down: pressed, and repeated so many times."""
        for _ in range(repeats):
            self.type(key)
            time.sleep(REPEAT_S)

    @property
    def shown(self) -> str:
        """Everything that the terminal has been sent so far, without colours and movements."""
        return ESCAPES.sub("", self._shown.decode(errors="replace"))

    def forget(self) -> None:
        """What has been shown so far; `shown` and `wait_for` begin anew."""
        self._shown.clear()

    def wait_for(self, text: str) -> None:
        """Raises AssertionError if the terminal never shows it."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} in vain in {self.shown[-2000:]}"
            assert self.process.poll() is None, self.shown[-2000:]
            time.sleep(0.01)

    def ending(self) -> tuple[int, list[str]]:
        """Exit code and lines of stdout, once it has ended."""
        output, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, output.decode().splitlines()

    def result(self) -> dict[str, Any]:
        """The JSON of an ending without a fault."""
        code, lines = self.ending()
        assert code == 0, self.shown[-2000:]
        figures: dict[str, Any] = json.loads(lines[-1])
        return figures

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                select.select([self._terminal], [], [])
                self._shown += os.read(self._terminal, 4096)


@contextlib.contextmanager
def in_a_terminal(arguments: Sequence[str]) -> Iterator[Typist]:
    """`libra-edge ARGUMENTS` in the foreground of a terminal of its own; stdout is a pipe."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_FRONT, *arguments],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "140"},
    )
    os.close(theirs)
    try:
        yield Typist(process, ours)
    finally:
        process.kill()
        process.communicate()
        os.close(ours)


def robot_file(folder: Path, port: str, **lines: str) -> Path:
    """The Koch's robot file with another port; `lines` replaces whole lines, by how they begin."""
    text = (ROBOTS / "koch.toml").read_text(encoding="utf-8")
    for begins, line in {'port = "auto"': f'port = "{port}"', **lines}.items():
        assert begins in text
        text = text.replace(begins, line)
    path = folder / "robot.toml"
    path.write_text(text, encoding="utf-8")
    return path

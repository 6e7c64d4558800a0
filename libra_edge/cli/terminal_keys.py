"""Keys of the terminal that a command was started from, as they are pressed: unechoed, without a line end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def terminal_keys(received: Callable[[bytes], None]) -> Iterator[bool]:
    """While the context lasts call `received` on the event loop with what is typed; False if no terminal listens.

    To be entered on the event loop. Empty bytes mean that the terminal has gone. It is as it was afterwards.
    """
    if not in_foreground():
        yield False
        return
    loop, terminal = asyncio.get_running_loop(), sys.stdin.fileno()

    def readable() -> None:
        keys = _read(terminal)
        if not keys:
            loop.remove_reader(terminal)
        received(keys)

    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSANOW)
    loop.add_reader(terminal, readable)
    try:
        yield True
    finally:
        loop.remove_reader(terminal)
        with contextlib.suppress(termios.error):  # of a terminal that has gone
            termios.tcsetattr(terminal, termios.TCSANOW, before)


def in_foreground() -> bool:
    """A terminal is stdin, and this process in its foreground: changing the mode of another's would stop us."""
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 64)
    except OSError:
        return b""

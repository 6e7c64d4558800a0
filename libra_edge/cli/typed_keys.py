"""Keys of the terminal for a command without an event loop: looked for between two looks at something else."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator

from libra_edge.cli.terminal_keys import in_foreground
from libra_edge.errors import InputError

ENTER = (b"\r", b"\n")


@contextlib.contextmanager
def enter_key(purpose: str) -> Iterator[Callable[[float], bool]]:
    """Yields a function that waits at most so many seconds and tells whether Enter was pressed meanwhile.

    Other keys are swallowed, Ctrl-C interrupts, see `CtrlC`. The terminal is as it was afterwards. Raises InputError,
    which names `purpose`, without a terminal in whose foreground we are, and from the function when it has gone.
    """
    if not in_foreground():
        raise InputError(f"{purpose}: start it in a terminal, with stdin neither piped nor in a background")
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSANOW)
    try:
        with CtrlC.watched() as ctrl_c:
            yield lambda wait_s: _entered(terminal, wait_s, ctrl_c)
    finally:
        with contextlib.suppress(termios.error):  # of a terminal that has gone
            termios.tcsetattr(terminal, termios.TCSANOW, before)


class CtrlC:
    """A Ctrl-C that interrupts where nothing is half done: in the wait for a key. A second one interrupts at once.

    Raised anywhere, KeyboardInterrupt may leave a lock of the view's taken, whose thread is then waited for without
    end, or be swallowed by whatever ignores exceptions.
    """

    def __init__(self) -> None:
        self._came = self._waiting = False

    @classmethod
    @contextlib.contextmanager
    def watched(cls) -> Iterator[CtrlC]:
        """In the main thread. One that comes after the last wait is too late: what follows that is done whole."""
        ctrl_c = cls()
        before = signal.signal(signal.SIGINT, ctrl_c._arrived)
        try:
            yield ctrl_c
        finally:
            signal.signal(signal.SIGINT, before)

    @contextlib.contextmanager
    def may_interrupt(self) -> Iterator[None]:
        """Raises KeyboardInterrupt if it has come or comes meanwhile."""
        self._waiting = True
        try:
            if self._came:
                raise KeyboardInterrupt
            yield
        finally:
            self._waiting = False

    def _arrived(self, *_signal: object) -> None:
        interrupts, self._came = self._waiting or self._came, True
        if interrupts:
            raise KeyboardInterrupt


def _entered(terminal: int, wait_s: float, ctrl_c: CtrlC) -> bool:
    with ctrl_c.may_interrupt():
        ready, _, _ = select.select([terminal], [], [], wait_s)
    if not ready:
        return False
    try:
        typed = os.read(terminal, 64)
    except OSError:
        typed = b""
    if not typed:
        raise InputError("the terminal has gone; what was not finished is not kept")
    return any(end in typed for end in ENTER)

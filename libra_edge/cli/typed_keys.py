"""Keys of the terminal for a command without an event loop: looked for between two looks at something else."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator

from libra_edge.cli.ctrl_c import CtrlC
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

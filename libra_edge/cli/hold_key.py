"""The space bar of the terminal that a run was started from: it holds the arm, and lets it go on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator

from libra_edge.errors import ProcessError
from libra_edge.runtime.control_socket import Request
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.supervisor import Event, State

KEY = b" "


@contextlib.contextmanager
def hold_key(run: Run) -> Iterator[bool]:
    """While the context lasts the space bar holds the arm or lets it go on; False if there is no terminal to listen to.

    To be entered on the event loop. The terminal is as it was afterwards.
    """
    presses: set[asyncio.Task[None]] = set()

    def pressed() -> None:
        task = asyncio.ensure_future(_hold_or_go_on(run))
        presses.add(task)
        task.add_done_callback(presses.discard)

    with _keys(pressed) as listening:
        yield listening


async def _hold_or_go_on(run: Run) -> None:
    telemetry = run.servo.telemetry()
    held = telemetry.state is State.HOLDING and telemetry.cause in {Event.HOLD, Event.PRESSED}
    try:
        reply = await run.servo.request(Request.START if held else Request.HOLD)
    except ProcessError as error:
        run.log.note(f"the space bar was pressed, but {error}")
        return
    if not reply.accepted:
        run.log.note(f"the space bar was pressed, but {reply.problem}")
    elif held:
        run.log.note("going on")


@contextlib.contextmanager
def _keys(pressed: Callable[[], None]) -> Iterator[bool]:
    """Call `pressed` on the event loop for each press of the key."""
    if not _is_ours():
        yield False
        return
    loop, terminal = asyncio.get_running_loop(), sys.stdin.fileno()

    def readable() -> None:
        keys = os.read(terminal, 64)
        if not keys:
            loop.remove_reader(terminal)
        elif KEY in keys:
            pressed()

    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSANOW)
    loop.add_reader(terminal, readable)
    try:
        yield True
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSANOW, before)


def _is_ours() -> bool:
    """A terminal, and this process in its foreground: changing the mode of another's would stop us."""
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False

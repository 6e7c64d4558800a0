"""The space bar of the terminal that a run was started from: it holds the arm, and lets it go on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from libra_edge.cli.terminal_keys import terminal_keys
from libra_edge.errors import ProcessError
from libra_edge.runtime.control_socket import Request
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.supervisor import Event, State

KEY = b" "
REPEATS_WITHIN_S = 1.0
"""A key that is kept down repeats; that must not let a held arm go on."""


@contextlib.contextmanager
def hold_key(run: Run) -> Iterator[bool]:
    """While the context lasts the space bar holds the arm or lets it go on; False if there is no terminal to listen to.

    To be entered on the event loop. The terminal is as it was afterwards.
    """
    presses: set[asyncio.Task[None]] = set()
    last_s = -REPEATS_WITHIN_S

    def received(keys: bytes) -> None:
        nonlocal last_s
        if KEY not in keys:
            return
        now_s = asyncio.get_running_loop().time()
        again, last_s = now_s - last_s >= REPEATS_WITHIN_S, now_s
        task = asyncio.ensure_future(_hold_or_go_on(run, may_go_on=again))
        presses.add(task)
        task.add_done_callback(presses.discard)

    with terminal_keys(received) as listening:
        yield listening


async def _hold_or_go_on(run: Run, *, may_go_on: bool) -> None:
    telemetry = run.servo.telemetry()
    held = telemetry.state is State.HOLDING and telemetry.cause in {Event.HOLD, Event.PRESSED}
    if held and not may_go_on:
        return
    try:
        reply = await run.servo.request(Request.START if held else Request.HOLD)
    except ProcessError as error:
        run.log.note(f"the space bar was pressed, but {error}")
        return
    if not reply.accepted:
        run.log.note(f"the space bar was pressed, but {reply.problem}")
    elif held:
        run.log.note("going on")

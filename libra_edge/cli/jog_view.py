"""What `libra-edge jog` shows on the terminal: the joints, what the supervisor and the governor do, and the keys."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from libra_edge.cli.jog_session import JogSession
from libra_edge.runtime.recording_messages import fence_names
from libra_edge.runtime.supervisor import State

REDRAWS_A_SECOND = 10.0
SLACK_DEG = 0.1
"""A servo counts in steps of 0.09 degrees."""
KEYS = "1-9 or up/down: joint   left/right or -/+: hold to move   space: hold   Enter: go on   q: stop and end"


def jog_view(session: JogSession, console: Console) -> AbstractContextManager[object]:
    """Show the session while the context lasts, drawn by a thread of its own, which only reads."""
    if not console.is_terminal:
        return contextlib.nullcontext()
    return Live(
        get_renderable=lambda: _page(session),
        console=console,
        refresh_per_second=REDRAWS_A_SECOND,
        transient=True,
    )


def _page(session: JogSession) -> Group:
    return Group(_joints(session), _state(session), Text(KEYS, style="dim"))


def _joints(session: JogSession) -> Table:
    table = Table("", "", "joint", "angle, deg", "range, deg", "governor")
    angles = np.degrees(session.measured)
    for i, (joint, angle, fences) in enumerate(zip(session.robot.joint, angles, session.fences, strict=True)):
        outside = "" if joint.low_deg - SLACK_DEG <= angle <= joint.high_deg + SLACK_DEG else " [bold red]outside[/]"
        table.add_row(
            "[bold green]>[/]" if i == session.joint else "",
            str(i + 1),
            escape(joint.name),
            f"{angle:.1f}{outside}",
            f"{joint.low_deg:g} .. {joint.high_deg:g}",
            fence_names(int(fences)),
        )
    return table


def _state(session: JogSession) -> Text:
    telemetry = session.telemetry
    cause = "" if telemetry.cause is None else f" ({telemetry.cause.value})"
    text = Text(f"{telemetry.state.value}{cause}", style="bold")
    if session.held:
        text.append(": Enter lets the keys move it")
    if telemetry.state is State.RECOVERING:
        text.append(f": {telemetry.trouble}")
    return text

"""Renders the supervisor's table as a page.

python -m libra_edge.runtime.supervisor_document > docs/supervisor.md
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from libra_edge.runtime.supervisor import TRANSITIONS, Event, State

MEANINGS = {
    State.OFF: "no torque of ours yet, or the process is about to end",
    State.READY: "in the rest pose, under torque; nothing is followed until `start`",
    State.HOMING: "on the way to the rest pose, slowly",
    State.RUNNING: "chunks are followed",
    State.HOLDING: "stands where it is, under torque",
    State.RECOVERING: "the bus, or servos on it, do not obey: the goal has been braked, the servos are looked for",
    State.STOPPING: "on the way to a standstill, then to what `--on-exit` says",
    State.FAULT: "something broke that needs a person: braked as far as the bus obeys, then the process ends",
}

HEAD = """# The supervisor: states, events, reactions

Written by `python -m libra_edge.runtime.supervisor_document` from the table that the servo process works by
(`runtime/supervisor.py`). A pair that is not listed is refused and changes nothing.

A lost arm is looked for as long as the robot file says (`recover_within_s`, 5 seconds by default), and at most three
times a minute. A servo that restarted, or whose watchdog tripped, is set up again where it stands; the arm then
holds, and follows the next fresh chunk from there. A hardware alert (overload, heat, voltage) is never cleared by
itself.

The space bar in `libra-edge run` and `libra-edge stop --hold` hold the arm; the space bar lets it go on. A switch
that the robot file names holds the arm in the servo process itself, whatever the rest does: `[stop]`, `device =
"/dev/input/by-id/..."`, `key = 57` is a key of a Linux input device; `[stop_line]`, `chip = "/dev/gpiochip0"`, `line =
85` a GPIO line with a normally closed button to ground (`pressed = "high"`; needs `pip install gpiod`), which was
tested against a software double only. While it is pressed nothing starts, and a switch that goes away counts as
pressed. Another kind of switch is a class with one method (`StopSwitch` in
`libra_edge/protocols.py`). All of this is software. It is no substitute for a switch in the supply.
"""


def supervisor_page() -> str:
    """The whole page, Markdown."""
    parts = [HEAD, "## States", "", "| state | |", "|---|---|"]
    parts += [f"| {state.value} | {MEANINGS[state]} |" for state in State]
    parts += ["", *_diagram(), "## Transitions", "", "| in | on | goes to | and does |", "|---|---|---|---|"]
    for (state, event), follows in TRANSITIONS.items():
        parts.append(f"| {state.value} | {event.value} | {follows.state.value} | {follows.reaction.value} |")
    return "\n".join([*parts, ""])


def _diagram() -> list[str]:
    """Every change of state, events that lead the same way on one arrow; GitHub draws it."""
    arrows: Mapping[tuple[State, State], list[Event]] = defaultdict(list)
    for (state, event), follows in TRANSITIONS.items():
        if follows.state is not state:
            arrows[state, follows.state].append(event)
    lines = [
        f"    {before.value} --> {after.value}: {', '.join(event.value for event in events)}"
        for (before, after), events in arrows.items()
    ]
    return ["```mermaid", "stateDiagram-v2", *lines, "```", ""]


if __name__ == "__main__":
    print(supervisor_page(), end="")

"""What `libra-edge calibrate arm` shows on the terminal: a bar a joint, what is asked for, and what is lacking."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from libra_edge.calibration.arm import LAST_TICK
from libra_edge.calibration.arm_sweep import ArmSweep, Stage, Swept

CELLS = 23
"""So that the view fits a terminal of 80 columns."""
TRACK, SWEPT, HERE = "─", "━", "●"
ASKED = {
    Stage.MIDDLE: "Hold every joint in the middle of its range, then press Enter.",
    Stage.SWEEP: "Move every joint to both of its ends, one after another, then press Enter. "
    "One that turns all the way round may stay.",
    Stage.DONE: "These are the ranges:",
}


def sweep_page(sweep: ArmSweep, problem: str) -> Group:
    """The whole view; `problem` in red below it."""
    asked = Text(ASKED[sweep.stage], style="bold")
    return Group(asked, _table(sweep.stage, sweep.joints()), Text(problem, style="bold red"))


def bar(position: int | None, low: int, high: int) -> str:
    """A turn, 0 .. 4095, in CELLS signs: what was swept, and where the joint is."""
    signs = [TRACK] * CELLS
    signs[_cell(low) : _cell(high) + 1] = [SWEPT] * (_cell(high) - _cell(low) + 1)
    if position is not None:
        signs[_cell(position)] = HERE
    return "".join(signs)


def _table(stage: Stage, joints: Sequence[Swept]) -> Table:
    table = Table("joint", "one turn", "tick", "swept", "", box=box.SIMPLE_HEAD)
    for joint in joints:
        sweeping = stage is not Stage.MIDDLE
        low, high = (joint.low, joint.high) if sweeping else (joint.position or 0,) * 2
        table.add_row(
            escape(joint.joint),
            Text(bar(joint.position, low, high), style="green" if sweeping and joint.enough else "yellow"),
            "no answer" if joint.position is None else str(joint.position),
            f"{joint.low} .. {joint.high}" if sweeping else "",
            _verdict(joint) if sweeping else "",
        )
    return table


def _verdict(joint: Swept) -> str:
    if not joint.needed_deg:
        return "whole turn"
    return f"{joint.swept_deg:.0f} deg" if joint.enough else f"{joint.swept_deg:.0f} of {joint.needed_deg:.0f} deg"


def _cell(tick: int) -> int:
    return max(0, min(CELLS - 1, round(tick / LAST_TICK * (CELLS - 1))))

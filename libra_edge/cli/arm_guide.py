"""Guides a person through the calibration of an arm in the terminal: limp first, then the middle, then the ends."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rich.console import RenderableType
from rich.live import Live

from libra_edge.calibration.arm_sweep import ArmSweep, Stage
from libra_edge.cli.arm_view import sweep_page
from libra_edge.cli.output import stderr_console
from libra_edge.drivers.dynamixel.limp_arm import LimpArm
from libra_edge.robot import Robot

logger = logging.getLogger(__name__)

LOOK_S = 0.05
REDRAWS_A_SECOND = 10.0
LIMP = (
    "Hold the arm: when you press Enter its servos let go, and it falls if nobody holds it. "
    "Ctrl-C ends at any time and leaves the calibration as it was."
)

EnterKey = Callable[[float], bool]


def go_limp(arm: LimpArm, entered: EnterKey) -> None:
    """Torque off once the person holds the arm, turns counted anew. Raises BusError."""
    stderr_console().print(LIMP, style="bold yellow")
    while not entered(1.0):
        pass
    arm.release()
    arm.count_turns_anew()
    logger.info("the arm is limp")


def guide_sweep(robot: Robot, arm: LimpArm, entered: EnterKey) -> ArmSweep:
    """The middle, then the ends of every joint, with live bars. Raises ArmCalibrationError, BusError, InputError."""
    sweep = ArmSweep(robot, arm.memory())
    while sweep.stage is not Stage.DONE:
        until_entered(
            entered,
            look=lambda: sweep.see(arm.positions()),
            lacking=sweep.lacking,
            page=lambda problem: sweep_page(sweep, problem),
        )
        sweep.advance()
    stderr_console().print(sweep_page(sweep, ""))
    return sweep


def until_entered(
    entered: EnterKey, look: Callable[[], None], lacking: Callable[[], str], page: Callable[[str], RenderableType]
) -> None:
    """Look again and again and show it, until Enter is pressed while nothing is lacking.

    Pressed while something is, that is said below the view until it is there.
    """
    pressed, console = False, stderr_console()
    look()
    with Live(page(""), console=console, refresh_per_second=REDRAWS_A_SECOND, transient=True) as live:
        while True:
            look()
            problem = lacking()
            if pressed and not problem:
                pressed = False
            live.update(page(problem if pressed else ""))
            if entered(LOOK_S):
                look()
                pressed = True
                if not lacking():
                    return

"""`libra-edge jog`: one joint at a time from the keyboard, under the governor and the supervisor of a run."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

import click
import numpy as np
import uvloop

from libra_edge.cli.jog_session import JogSession, first_joints, quiet_servo_log
from libra_edge.cli.jog_view import jog_view
from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.cli.run_hardware import open_hardware
from libra_edge.cli.stop_signals import stop_signals
from libra_edge.cli.terminal_keys import in_foreground, terminal_keys
from libra_edge.clock import MonotonicClock
from libra_edge.errors import InputError, ProcessError, RuntimeFault
from libra_edge.messages import Float64
from libra_edge.robot import Robot, open_robot
from libra_edge.runtime.jog_motion import Jog
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.servo_client import ServoClient
from libra_edge.runtime.servo_loop import OnExit
from libra_edge.runtime.servo_telemetry import ticks_per_second

logger = logging.getLogger(__name__)

SCENE = "pick up the red cube"
"""What lies on a simulated table meanwhile."""
PARKING_S = 60.0


@click.command("jog")
@click.option("--robot", "robot_name", default="koch", show_default=True, help="Name of a robot, or its file.")
@click.option(
    "--speed-deg-s",
    type=click.FloatRange(0.1, 60.0),
    default=10.0,
    show_default=True,
    help="How fast a joint moves; never faster than the robot file lets it.",
)
@click.option("--on-exit", type=click.Choice([choice.value for choice in OnExit]), default="hold", show_default=True)
@json_option
def command(*, robot_name: str, speed_deg_s: float, on_exit: str, as_json: bool) -> None:
    """Move one joint at a time from the keyboard, slowly: for the first minutes with an arm.

    The arm stands where it is found until a key moves it. It stops when the key is let go.

    \b
    Example:
      libra-edge jog --robot koch --speed-deg-s 5
    """  # noqa: D301 - click reads the \b
    robot = open_robot(robot_name)
    if not in_foreground():
        raise InputError("jog is steered by keys: start it in a terminal, with stdin neither piped nor in a background")
    jog = Jog(robot, float(np.radians(speed_deg_s)))
    with open_hardware(robot, (), seed=0, task=SCENE) as hardware, quiet_servo_log():
        arguments = ["--robot", robot_name, "--port", hardware.port, "--on-exit", on_exit, "--no-homing"]
        figures, fault = uvloop.run(_jog(robot, jog, arguments))
    for name, angles in figures["joints"].items():
        logger.info("%s: %.1f -> %.1f degrees", name, angles["first_deg"], angles["last_deg"])
    if as_json:
        print_json(figures)
    if fault is not None:
        raise fault


async def _jog(robot: Robot, jog: Jog, arguments: list[str]) -> tuple[dict[str, Any], RuntimeFault | None]:
    """Drive the arm until it is stopped; how it went, and what broke, if anything did.

    Raises InputError or ProcessError if it cannot be started at all.
    """
    servo = await ServoClient.launch(arguments, joints=len(robot.joint))
    try:
        await first_joints(servo)
        clock = MonotonicClock()
        log = RunLog(clock, robot.joint_names, LimitCheck(robot), start_ns=clock.now_ns())
        session = JogSession(robot, servo, jog, log, servo.telemetry())
        first, fault = session.measured, await _steer(session)
    finally:
        code = await servo.close(PARKING_S)
    session.look()
    if code and fault is None:
        fault = ProcessError(f"the servo process ended with code {code}: {session.telemetry.fault or 'see above'}")
    return _figures(session, first), fault


async def _steer(session: JogSession) -> RuntimeFault | None:
    """Let the keys move the arm until somebody ends it; what broke, if anything did."""
    try:
        with stop_signals(session.end), terminal_keys(session.received), jog_view(session, stderr_console()):
            await session.run()
    except RuntimeFault as fault:
        session.end("a fault")
        session.log.fault(str(fault), "the arm is stopped, jog ends")
        return fault
    finally:
        session.log.finish()
    return None


def _figures(session: JogSession, first: Float64) -> dict[str, Any]:
    names = session.robot.joint_names
    angles = zip(names, np.degrees(first).round(2), np.degrees(session.measured).round(2), strict=True)
    return {
        "robot": session.robot.name,
        "ended": session.ended,
        "seconds": round(session.log.seconds, 3),
        "joints": {name: {"first_deg": float(before), "last_deg": float(after)} for name, before, after in angles},
        "limits_violated": session.log.limits.violated,
        "governed": session.telemetry.governed,
        "servo_hz": ticks_per_second(session.first, session.telemetry),
        "faults": [asdict(fault) for fault in session.log.faults],
    }

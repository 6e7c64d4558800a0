"""`libra-edge doctor`: what this machine has and what it lacks, with advice."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from libra_edge.cli import board_checks as board
from libra_edge.cli import folder_checks as folders
from libra_edge.cli import hardware_checks as hardware
from libra_edge.cli import software_checks as software
from libra_edge.cli.camera_checks import realsense_cameras
from libra_edge.cli.check import Check
from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.cli.servo_checks import servos
from libra_edge.errors import CheckFailed
from libra_edge.robot import Robot, open_robot

MARK_WIDTH = len("optional")


@click.command("doctor")
@click.option("--robot", "robot_name", default="koch-sim", show_default=True, help="Robot the machine shall drive.")
@click.option("--model", default="libra_base", show_default=True, help="Name or path of the bundle it shall run.")
@click.option("--port", help="Serial port of the arm, instead of the robot file's.")
@json_option
def command(robot_name: str, model: str, port: str | None, as_json: bool) -> None:
    """Check what this machine has and what it lacks, with advice.

    The servos are only read: no torque, nothing is written. Each camera streams for a second.

    \b
    Example:
      libra-edge doctor
      libra-edge doctor --robot koch --port /dev/ttyACM0
    """  # noqa: D301 - click reads the \b
    robot = open_robot(robot_name)
    if port is not None:
        robot = robot.model_copy(update={"bus": robot.bus.model_copy(update={"port": port})})
    with stderr_console().status("looking; a camera takes a second"):
        checks = examine(robot, model, robot_name)
    Console(stderr=as_json).print(_screen(checks))
    if as_json:
        print_json({"robot": robot_name, "checks": [asdict(check) for check in checks]})
    lacking = [check.name for check in checks if check.needed and not check.ok]
    if lacking:
        raise CheckFailed(f"robot {robot_name!r} cannot run here yet, for want of: {', '.join(lacking)}")


def examine(robot: Robot, model: str, robot_name: str) -> list[Check]:
    """Look at everything that running `model` on `robot` rests on. `robot_name` is what it was asked for by."""
    return [
        *_software(model, robot, jetson=board.is_jetson()),
        *_bench(robot, robot_name),
        *board.board(),
        hardware.real_time_priority(),
        hardware.memory_lock(),
        hardware.processors_awake(),
    ]


def _software(model: str, robot: Robot, *, jetson: bool) -> list[Check]:
    simulated = robot.simulation is not None
    return [
        software.python_version(),
        software.base_packages(),
        software.extra_packages("sim", "a simulated robot", needed=simulated),
        software.extra_packages("realsense", "a RealSense camera", needed=not simulated),
        software.extra_packages("export", "libra-edge export", needed=False),
        software.extra_packages("report", "the picture of a run", needed=False),
        software.extra_packages("jetson", "the TensorRT backend", needed=jetson),
        software.bundle(model),
        software.disk_space(),
        software.disk_speed(robot),
        software.shared_memory(),
        folders.recordings(),
    ]


def _bench(robot: Robot, robot_name: str) -> list[Check]:
    """Arm and cameras. The latency timer comes before the servos: opening an FTDI port shortens it."""
    real, wanted, connected = robot.simulation is None, robot.bus.port, hardware.connected_ports()
    ports = connected if wanted in ("auto", "simulated") else [wanted]
    there = [port for port in ports if Path(port).exists()]
    checks = [
        hardware.serial_ports(wanted, connected, needed=real),
        hardware.serial_permission(there, needed=real),
        hardware.modem_manager(there),
        hardware.port_holders(there),
        hardware.ftdi_latency(),
    ]
    if not real:
        return checks
    port = next((port for port in there if os.access(port, os.R_OK | os.W_OK)), None)
    asked = [] if port is None else servos(robot, port)
    cameras = realsense_cameras(robot, needed=True)
    return [*checks, *asked, *cameras, *_calibrations(robot, robot_name)]


def _calibrations(robot: Robot, robot_name: str) -> list[Check]:
    return [folders.arm_calibration(robot, robot_name), *folders.camera_calibrations(robot, robot_name)]


def _screen(checks: list[Check]) -> Group:
    """A line a check; what to do about it stands below, over the whole width. Then the sum."""
    widest = max((len(check.name) for check in checks), default=0)
    lines: list[Table | Padding | Text] = []
    for check in checks:
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=MARK_WIDTH)
        line.add_column(width=widest)
        line.add_row(_mark(check), check.name, Text(check.found))
        lines.append(line)
        if check.advice:
            lines.append(Padding(Text(check.advice, "dim"), (0, 0, 0, MARK_WIDTH + 2)))
    return Group(*lines, _sum(checks))


def _sum(checks: list[Check]) -> Text:
    marks = [_mark(check).plain for check in checks]
    return Text("\n" + ", ".join(f"{marks.count(mark)} {mark}" for mark in ("ok", "lacking", "optional")), "bold")


def _mark(check: Check) -> Text:
    if check.ok:
        return Text("ok", "green")
    return Text("lacking", "red") if check.needed else Text("optional", "yellow")

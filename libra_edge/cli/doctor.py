"""`libra-edge doctor`: what this machine has and what it lacks, with advice."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from libra_edge.cli import hardware_checks as hardware
from libra_edge.cli import software_checks as software
from libra_edge.cli.check import Check
from libra_edge.cli.output import json_option, print_json
from libra_edge.errors import CheckFailed
from libra_edge.robot import Robot, open_robot


@click.command("doctor")
@click.option("--robot", "robot_name", default="koch-sim", show_default=True, help="Robot the machine shall drive.")
@click.option("--model", default="libra_base", show_default=True, help="Name or path of the bundle it shall run.")
@json_option
def command(robot_name: str, model: str, as_json: bool) -> None:
    """Check what this machine has and what it lacks, with advice.

    \b
    Example:
      libra-edge doctor
      libra-edge doctor --robot koch
    """  # noqa: D301 - click reads the \b
    checks = examine(open_robot(robot_name), model)
    Console(stderr=as_json).print(_table(checks))
    if as_json:
        print_json({"robot": robot_name, "checks": [asdict(check) for check in checks]})
    lacking = [check.name for check in checks if check.needed and not check.ok]
    if lacking:
        raise CheckFailed(f"robot {robot_name!r} cannot run here yet, for want of: {', '.join(lacking)}")


def examine(robot: Robot, model: str) -> list[Check]:
    """Look at everything that running `model` on `robot` rests on."""
    simulated = robot.simulation is not None
    jetson = hardware.JETSON_RELEASE.is_file()
    ports = hardware.connected_ports()
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
        software.shared_memory(),
        hardware.serial_ports(robot.bus.port, ports, needed=not simulated),
        hardware.serial_permission(ports, needed=not simulated),
        hardware.modem_manager(),
        hardware.ftdi_latency(),
        hardware.realsense_cameras(needed=not simulated),
        hardware.accelerator(),
        hardware.tensorrt(needed=jetson),
        hardware.real_time_priority(),
        hardware.memory_lock(),
    ]


def _table(checks: list[Check]) -> Table:
    """One row a check; under what was found stands what to do about it."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for check in checks:
        found = Text(check.found)
        if check.advice:
            found.append(f"\n{check.advice}", "dim")
        table.add_row(_mark(check), check.name, found)
    return table


def _mark(check: Check) -> Text:
    if check.ok:
        return Text("ok", "green")
    return Text("lacking", "red") if check.needed else Text("optional", "yellow")

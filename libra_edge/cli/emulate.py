"""`libra-edge emulate`: an arm's servos on a pseudo-terminal, for any Dynamixel program to open."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import click

from libra_edge.cli.output import print_json
from libra_edge.clock import MonotonicClock
from libra_edge.drivers.simulation.servos.plant import KinematicPlant
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import rest_ticks, specs_of
from libra_edge.errors import ConfigError
from libra_edge.robot import Baud, Robot, open_robot

BAUDS = click.Choice([str(baud) for baud in get_args(Baud)])


@click.command("emulate")
@click.argument("robot_name", metavar="ROBOT")
@click.option("--baud", type=BAUDS, help="Speed of the servos; the robot file's by default.")
@click.option("--link", type=click.Path(path_type=Path), help="Make a link to the port here, and remove it at the end.")
@click.option("--seconds", type=click.FloatRange(min=0.0), help="Stop by itself after this time.")
@click.option("--json", is_flag=True, expose_value=False, help="Changes nothing: both lines on stdout are JSON.")
def command(robot_name: str, baud: str | None, link: Path | None, seconds: float | None) -> None:
    """Stand in for an arm: its servos answer Dynamixel Protocol 2.0 on a pseudo-terminal.

    They move at their profile velocity, without mass or load.
    The first line on stdout names the port, the last one, on Ctrl-C or SIGTERM, counts what came over it.

    \b
    Example:
      libra-edge emulate koch --link /tmp/koch
    """  # noqa: D301 - click reads the \b
    robot = open_robot(robot_name)
    emulator = _emulator(robot, int(baud) if baud else robot.bus.baud)
    with _signals_end() as ended, emulator, _linked(link, emulator.port):
        print_json({"port": emulator.port, "servos": [joint.id for joint in robot.joint]})
        ended.wait(seconds)
    print_json(emulator.ledger.as_json())


def _emulator(robot: Robot, baud: int) -> ServoBusEmulator:
    clock = MonotonicClock()
    return ServoBusEmulator(specs_of(robot), KinematicPlant(clock, rest_ticks(robot)), clock, baud)


@contextmanager
def _signals_end() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _linked(link: Path | None, port: str) -> Iterator[None]:
    """A symbolic link to the port while the body runs; replaces only a link to another one. Raises ConfigError."""
    if link is None:
        yield
        return
    try:
        if link.is_symlink() and link.readlink().parent == Path(port).parent:
            link.unlink()
        link.symlink_to(port)
    except OSError as error:
        raise ConfigError(f"link {link} to the port cannot be made: {error.strerror}") from error
    try:
        yield
    finally:
        link.unlink(missing_ok=True)

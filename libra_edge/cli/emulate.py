"""`libra-edge emulate`: an arm's servos on a pseudo-terminal, for any Dynamixel program to open."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import get_args

import click

from libra_edge.cli.output import print_json
from libra_edge.drivers.simulation.frozen_garbage import freeze_garbage
from libra_edge.drivers.simulation.servos.dynamics import CHOICES, moved_by
from libra_edge.drivers.simulation.servos.fault_file import open_faults
from libra_edge.drivers.simulation.servos.fault_injector import FaultInjector
from libra_edge.drivers.simulation.servos.hand import Hand, Turnable
from libra_edge.drivers.simulation.servos.ledger import Ledger
from libra_edge.drivers.simulation.servos.limit_judge import LimitJudge
from libra_edge.drivers.simulation.servos.limits_file import open_limits
from libra_edge.drivers.simulation.servos.plant import ServoPlant
from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.drivers.simulation.servos.servo_spec import specs_of
from libra_edge.drivers.simulation.servos.wire_pace import WirePace
from libra_edge.errors import CheckFailed, ConfigError
from libra_edge.robot import Baud, open_robot

logger = logging.getLogger(__name__)

SHOWN = 10
"""Broken limits that are told in words; all are counted."""
FILE = click.Path(path_type=Path)
BAUDS = click.Choice([str(baud) for baud in get_args(Baud)])


@click.command("emulate")
@click.argument("robot_name", metavar="ROBOT")
@click.option("--baud", type=BAUDS, help="Speed of the servos; the robot file's by default.")
@click.option("--link", type=click.Path(path_type=Path), help="Make a link to the port here, and remove it at the end.")
@click.option(
    "--dynamics",
    type=click.Choice(CHOICES),
    default="auto",
    show_default=True,
    help="How servos move. auto: MuJoCo if installed, else second-order. ideal: at profile velocity, without mass.",
)
@click.option("--seconds", type=click.FloatRange(min=0.0), help="Stop by itself after this time.")
@click.option("--faults", type=FILE, help="What goes wrong on the bus, and when: see docs/cli.md.")
@click.option("--limits", type=FILE, help="Judge goal positions and motion by these, and exit with 1 if one is broken.")
@click.option("--hand", is_flag=True, help="Turn joints by hand: lines of SERVO DEGREES on stdin, such as 3 -45.")
@click.option("--json", is_flag=True, expose_value=False, help="Changes nothing: both lines on stdout are JSON.")
def command(
    *,
    robot_name: str,
    baud: str | None,
    link: Path | None,
    dynamics: str,
    seconds: float | None,
    faults: Path | None,
    limits: Path | None,
    hand: bool,
) -> None:
    """Stand in for an arm: its servos answer Dynamixel Protocol 2.0 on a pseudo-terminal.

    Packets take as long as on a wire of that speed. The first line on stdout names the port, the last one, on Ctrl-C
    or SIGTERM, counts what came over it.

    \b
    Example:
      libra-edge emulate koch --link ./koch-arm --faults faults.toml
    """  # noqa: D301 - click reads the \b
    robot = open_robot(robot_name)
    servo_ids = [joint.id for joint in robot.joint]
    happening = () if faults is None else open_faults(faults, servo_ids)
    allowed = None if limits is None else open_limits(limits, servo_ids)
    speed = int(baud) if baud else robot.bus.baud
    with _signals_end() as ended, moved_by(dynamics, robot) as plant:
        emulator = ServoBusEmulator(specs_of(robot), plant, baud=speed, pace=WirePace())
        judge = None if allowed is None else LimitJudge(allowed, plant)
        faulty, judged = FaultInjector(emulator, happening), judge or nullcontext()
        with emulator, _linked(link, emulator.port), faulty, judged:
            if hand:
                _lend_a_hand(plant, servo_ids)
            freeze_garbage()
            print_json({"port": emulator.port, "servos": servo_ids})
            ended.wait(seconds)
    _tell(emulator.ledger, None if judge is None else judge.verdicts(emulator.ledger.goals))


def _lend_a_hand(plant: ServoPlant, servo_ids: Sequence[int]) -> None:
    """Do what stdin says until it ends. What is not understood is said, and nothing else comes of it."""
    assert isinstance(plant, Turnable)
    lent = Hand(plant, servo_ids)

    def listen() -> None:
        for line in sys.stdin:
            try:
                lent.obey(line)
            except ValueError as problem:
                logger.warning("the hand does nothing: %s", problem)

    threading.Thread(target=listen, name="hand", daemon=True).start()


def _tell(ledger: Ledger, verdicts: Sequence[str] | None) -> None:
    """Print the ledger. Raises CheckFailed if the limits that were given are broken."""
    if verdicts is None:
        print_json(ledger.as_json())
        return
    print_json({**ledger.as_json(), "limits_violated": len(verdicts)})
    for verdict in islice(verdicts, SHOWN):
        logger.warning("%s", verdict)
    if verdicts:
        raise CheckFailed(f"{len(verdicts)} times a limit was broken, first: {verdicts[0]}")


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

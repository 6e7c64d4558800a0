"""`libra-edge calibrate arm`: LeRobot's calibration of an arm, by hand or from its file, and its zero."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from libra_edge.cli.output import json_option, print_json
from libra_edge.errors import ConfigError
from libra_edge.locate import CALIBRATIONS
from libra_edge.robot import Robot, open_robot

if TYPE_CHECKING:
    from libra_edge.calibration.arm import ArmCalibration
    from libra_edge.drivers.dynamixel.limp_arm import LimpArm, ServoMemory

logger = logging.getLogger(__name__)

FILE = click.Path(path_type=Path)
BY_HAND = "an arm is calibrated by hand"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the person asked for."""

    robot_name: str
    robot: Robot
    port: str
    source: Path | None
    out: Path | None

    @property
    def calibration_path(self) -> Path:
        """Where the calibration is, or goes."""
        return self.source or CALIBRATIONS / self.robot.name / "arm.json"


@click.command("arm")
@click.option("--robot", "robot_name", default="koch", show_default=True, help="Name of a robot, or its file.")
@click.option("--port", help="Serial port, instead of the robot file's.")
@click.option("--from", "source", type=FILE, help="LeRobot's file, to be checked against the servos and not made anew.")
@click.option("--out", type=FILE, help="The result, by default under calibrations/ROBOT/. With --from: a copy of it.")
@click.option("--zero", is_flag=True, help="Measure the kinematic zero and sign of every joint, in a drawn pose.")
@json_option
def command(
    *, robot_name: str, port: str | None, source: Path | None, out: Path | None, zero: bool, as_json: bool
) -> None:
    """Calibrate an arm by hand, check LeRobot's file against its servos, or measure its kinematic zero.

    \b
    Example:
      libra-edge calibrate arm --robot koch
      libra-edge calibrate arm --robot koch --from my_koch.json
      libra-edge calibrate arm --robot koch --zero
    """  # noqa: D301 - click reads the \b
    if out is not None and out.suffix != ".json":
        raise ConfigError(f"--out {out}: the result is JSON; give a name that ends in .json")
    from libra_edge.drivers.dynamixel.port_search import find_port  # noqa: PLC0415 - `--help` does without it

    robot = open_robot(robot_name)
    wish = _Wish(robot_name, robot, port or find_port(robot), source, out)
    result = _zeroed(wish) if zero else _guided(wish) if source is None else _checked(wish, source)
    if as_json:
        print_json(result)


def _guided(wish: _Wish) -> dict[str, Any]:
    """Raises InputError without a terminal, ArmCalibrationError, BusError."""
    from libra_edge.calibration.arm import arm_calibration_bytes  # noqa: PLC0415 - `--help` does without it
    from libra_edge.calibration.arm_sweep import memory_for  # noqa: PLC0415
    from libra_edge.calibration.kept_versions import keep_version  # noqa: PLC0415
    from libra_edge.calibration.whole_file import whole_file  # noqa: PLC0415
    from libra_edge.cli.arm_guide import go_limp, guide_sweep  # noqa: PLC0415
    from libra_edge.cli.arm_results import calibration_result  # noqa: PLC0415
    from libra_edge.cli.typed_keys import enter_key  # noqa: PLC0415

    path = wish.out or wish.calibration_path
    with enter_key(BY_HAND) as entered, whole_file(path) as file, _limp_arm(wish) as arm:
        go_limp(arm, entered)
        before = arm.memory()
        calibration = guide_sweep(wish.robot, arm, entered).calibration()
        data = arm_calibration_bytes(calibration)
        kept = keep_version(path, data)
        file.write(data)
        arm.remember(memory_for(calibration, before))
    _tell_calibrated(wish, calibration, before, path, kept)
    return calibration_result(wish.robot, calibration, path, kept)


def _checked(wish: _Wish, source: Path) -> dict[str, Any]:
    """Raises ConfigError, ArmCalibrationError for a file that does not fit the servos."""
    from libra_edge.calibration.arm import read_arm_calibration  # noqa: PLC0415 - `--help` does without it
    from libra_edge.cli.arm_results import calibration_result, replace_file  # noqa: PLC0415

    calibration, data = read_arm_calibration(source), source.read_bytes()
    with _limp_arm(wish) as arm:
        oddities = _check_fit(wish, arm, calibration)
    kept = None if wish.out is None else replace_file(wish.out, data)
    click.echo(f"{source} fits the servos of {wish.robot.name}", err=True)
    return {**calibration_result(wish.robot, calibration, wish.out or source, kept), "oddities": oddities}


def _zeroed(wish: _Wish) -> dict[str, Any]:
    """Raises InputError without a terminal, ConfigError, ArmCalibrationError, BusError."""
    from libra_edge.calibration.arm import read_arm_calibration  # noqa: PLC0415 - `--help` does without it
    from libra_edge.cli.arm_guide import go_limp  # noqa: PLC0415
    from libra_edge.cli.arm_results import write_zero  # noqa: PLC0415
    from libra_edge.cli.typed_keys import enter_key  # noqa: PLC0415
    from libra_edge.cli.zero_guide import guide_zero  # noqa: PLC0415
    from libra_edge.cli.zero_pose import draw_zero_pose  # noqa: PLC0415

    source = wish.calibration_path
    calibration = read_arm_calibration(source) if wish.source is not None or source.exists() else None
    draw_zero_pose(wish.robot)  # refuses a robot without links before anything is let go
    with enter_key(BY_HAND) as entered, _limp_arm(wish) as arm:
        if calibration is not None:
            _check_fit(wish, arm, calibration)
        go_limp(arm, entered)
        zero = guide_zero(wish.robot, arm, entered).zero()
    result = write_zero(wish.robot_name, zero, calibration, wish.out or source.with_suffix(".zero.json"))
    for name, measured in result["residuals"].items():
        logger.info("%s: zero at tick %d, sign %+d", name, measured["zero_tick"], measured["sign"])
        if measured["sign_off"]:
            logger.warning("%s turns the other way than %s says: was it moved as asked?", name, wish.robot_name)
    logger.info("%s: the zeros; the arm is still limp", result["file"])
    click.echo(f"From now on give --robot {result['robot_file']}", err=True)
    return result


def _check_fit(wish: _Wish, arm: LimpArm, calibration: ArmCalibration) -> list[str]:
    """What is odd about it, said. Raises ConfigError, ArmCalibrationError if it does not fit the servos."""
    from libra_edge.calibration.arm_fit import check_arm_fit  # noqa: PLC0415 - `--help` does without it

    oddities = check_arm_fit(wish.robot, calibration, arm.memory(), arm.positions())
    for oddity in oddities:
        logger.warning("%s", oddity)
    return oddities


@contextmanager
def _limp_arm(wish: _Wish) -> Iterator[LimpArm]:
    from libra_edge.drivers.dynamixel.limp_arm import LimpArm  # noqa: PLC0415 - `--help` does without it

    with LimpArm(wish.robot, wish.port).opened() as arm:
        yield arm


def _tell_calibrated(
    wish: _Wish, calibration: ArmCalibration, before: dict[str, ServoMemory], path: Path, kept: Path | None
) -> None:
    from libra_edge.calibration.arm_fit import hidden_seam  # noqa: PLC0415 - `--help` does without it

    logger.info("%s: written, and into the servos; the arm is still limp", path)
    if kept is not None:
        logger.info("%s: the older calibration", kept)
    for name, joint in calibration.items():
        if hidden_seam(joint):
            logger.warning("%s: the encoder's seam is within its range; LeRobot may read it a turn off", name)
    if any(joint.homing_offset != before[name].homing_offset for name, joint in calibration.items()):
        logger.warning(
            "the servos count from elsewhere now, so that zero_tick in the robot file no longer holds: measure it with "
            "`libra-edge calibrate arm --robot %s --zero` before the arm is driven",
            wish.robot_name,
        )

"""`libra-edge calibrate arm`: LeRobot's calibration of an arm, by hand or from its file, and its zero."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from libra_edge.cli.output import json_option, print_json, stderr_console
from libra_edge.errors import ConfigError
from libra_edge.robot import Robot, open_robot

if TYPE_CHECKING:
    from libra_edge.calibration.arm import ArmCalibration

logger = logging.getLogger(__name__)

FILE = click.Path(path_type=Path)
FOLDER = Path("calibrations")


@click.command("arm")
@click.option("--robot", "robot_name", default="koch", show_default=True, help="Name of a robot, or its file.")
@click.option("--port", help="Serial port, instead of the robot file's.")
@click.option(
    "--from", "source", type=FILE, help="Check LeRobot's file against the servos instead of making a new one."
)
@click.option("--out", type=FILE, help="The calibration; calibrations/ROBOT/arm.json by default. Copies a --from file.")
@click.option("--zero", is_flag=True, help="Measure the kinematic zero and sign of every joint, in a drawn pose.")
@json_option
def command(*, robot_name: str, port: str | None, as_json: bool, **options: Any) -> None:
    """Calibrate an arm by hand, check LeRobot's file against its servos, or measure its kinematic zero.

    \b
    Example:
      libra-edge calibrate arm --robot koch
      libra-edge calibrate arm --robot koch --from ~/.cache/huggingface/lerobot/calibration/robots/koch_follower/me.json
      libra-edge calibrate arm --robot koch --zero
    """  # noqa: D301 - click reads the \b
    robot = open_robot(robot_name)
    source, out = options["source"], options["out"]
    if out is not None and out.suffix != ".json":
        raise ConfigError(f"--out {out}: the result is JSON; give a name that ends in .json")
    if options["zero"]:
        raise ConfigError("not yet")
    result = _guided(robot, port, out) if source is None else _checked(robot, port, source, out)
    if as_json:
        print_json(result)


def _guided(robot: Robot, port: str | None, out: Path | None) -> dict[str, Any]:
    """Raises InputError without a terminal, ArmCalibrationError, BusError."""
    from libra_edge.calibration.arm import arm_calibration_bytes  # noqa: PLC0415 - `--help` does without it
    from libra_edge.calibration.arm_sweep import memory_for  # noqa: PLC0415
    from libra_edge.calibration.kept_versions import keep_version  # noqa: PLC0415
    from libra_edge.calibration.whole_file import whole_file  # noqa: PLC0415
    from libra_edge.cli.arm_guide import go_limp, guide_sweep  # noqa: PLC0415
    from libra_edge.cli.typed_keys import enter_key  # noqa: PLC0415

    path = out or FOLDER / robot.name / "arm.json"
    with enter_key("an arm is calibrated by hand") as entered, _limp_arm(robot, port).opened() as arm:
        go_limp(arm, entered)
        sweep = guide_sweep(robot, arm, entered)
        calibration = sweep.calibration()
        data = arm_calibration_bytes(calibration)
        kept = keep_version(path, data)
        with whole_file(path) as file:
            file.write(data)
            arm.remember(memory_for(calibration, arm.memory()))
    _warn_of_seams(robot, calibration)
    logger.info("%s: written, and into the servos; the arm is still limp", path)
    if kept is not None:
        logger.info("%s: the older calibration", kept)
    return _result(robot, calibration, path, kept=None if kept is None else str(kept))


def _checked(robot: Robot, port: str | None, source: Path, out: Path | None) -> dict[str, Any]:
    """Raises ConfigError, ArmCalibrationError for a file that does not fit the servos."""
    from libra_edge.calibration.arm import read_arm_calibration  # noqa: PLC0415 - `--help` does without it
    from libra_edge.calibration.arm_fit import check_arm_fit  # noqa: PLC0415
    from libra_edge.calibration.kept_versions import keep_version  # noqa: PLC0415
    from libra_edge.calibration.whole_file import write_whole  # noqa: PLC0415

    calibration = read_arm_calibration(source)
    with _limp_arm(robot, port).opened() as arm:
        oddities = check_arm_fit(robot, calibration, arm.memory(), arm.positions())
    for oddity in oddities:
        logger.warning("%s", oddity)
    kept = None
    if out is not None:
        data = source.read_bytes()
        kept = keep_version(out, data)
        write_whole(out, data)
    stderr_console().print(f"{source} fits the servos of {robot.name}.", highlight=False)
    extra = {"kept": None if kept is None else str(kept), "oddities": oddities}
    return _result(robot, calibration, out or source, **extra)


def _limp_arm(robot: Robot, port: str | None) -> Any:
    from libra_edge.drivers.dynamixel.limp_arm import LimpArm  # noqa: PLC0415 - `--help` does without it
    from libra_edge.drivers.dynamixel.port_search import find_port  # noqa: PLC0415

    return LimpArm(robot, port or find_port(robot))


def _warn_of_seams(robot: Robot, calibration: ArmCalibration) -> None:
    from libra_edge.calibration.arm_fit import hidden_seam  # noqa: PLC0415

    for joint in robot.joint:
        if hidden_seam(calibration[joint.name]):
            logger.warning(
                "%s: the encoder's seam lies within its range; LeRobot may read it a turn off after power-on",
                joint.name,
            )


def _result(robot: Robot, calibration: ArmCalibration, path: Path, **more: object) -> dict[str, Any]:
    coverage = {}
    for joint in robot.joint:
        ours = calibration[joint.name]
        degrees = (ours.range_max - ours.range_min) * 360.0 / 4096.0
        coverage[joint.name] = {
            "homing_offset": ours.homing_offset,
            "range_min": ours.range_min,
            "range_max": ours.range_max,
            "range_deg": round(degrees, 1),
            "share": round(degrees / (joint.high_deg - joint.low_deg), 3),
        }
    return {"file": str(path), "robot": robot.name, "coverage": coverage, **more}

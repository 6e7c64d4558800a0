"""What `libra-edge calibrate arm` writes and tells: the calibration, its zero, and the robot file that follows."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from libra_edge.calibration.arm import ArmCalibration, apply_arm_calibration
from libra_edge.calibration.arm_zero import ArmZero, apply_arm_zero, arm_zero_bytes
from libra_edge.calibration.kept_versions import keep_version
from libra_edge.calibration.robot_file_text import changes_between, rounded_inwards, with_joint_values
from libra_edge.calibration.whole_file import write_whole
from libra_edge.errors import ConfigError
from libra_edge.robot import DEGREES_A_TICK, Robot, open_robot, robot_path

logger = logging.getLogger(__name__)


def replace_file(path: Path, data: bytes) -> Path | None:
    """Write `data` at `path`, keep what was there, and return where that is now, if anywhere. Raises ConfigError."""
    kept = keep_version(path, data)
    write_whole(path, data)
    if kept is not None:
        logger.info("%s: what was in %s before", kept, path)
    return kept


def calibration_result(robot: Robot, calibration: ArmCalibration, path: Path, kept: Path | None) -> dict[str, Any]:
    """The figures for `--json`."""
    coverage = {}
    for joint in robot.joint:
        ours = calibration[joint.name]
        degrees = (ours.range_max - ours.range_min) * DEGREES_A_TICK
        coverage[joint.name] = {
            "homing_offset": ours.homing_offset,
            "range_min": ours.range_min,
            "range_max": ours.range_max,
            "range_deg": round(degrees, 1),
            "share": round(degrees / (joint.high_deg - joint.low_deg), 3),
        }
    return {"file": str(path), "robot": robot.name, "coverage": coverage, "kept": None if kept is None else str(kept)}


def write_zero(robot_name: str, zero: ArmZero, calibration: ArmCalibration | None, path: Path) -> dict[str, Any]:
    """The zero as JSON, and a robot file with it beside; with a calibration, ranges are narrowed to it as well.

    Returns the figures for `--json`. Raises ConfigError.
    """
    robot = open_robot(robot_name)
    measured = apply_arm_zero(robot, zero)
    if calibration is not None:
        measured = rounded_inwards(apply_arm_calibration(measured, calibration))
    toml = path.with_name(f"{path.name.removesuffix('.json').removesuffix('.zero')}.toml")
    text = with_joint_values(robot_path(robot_name).read_text(encoding="utf-8"), changes_between(robot, measured))
    kept = replace_file(path, arm_zero_bytes(zero))
    replace_file(toml, text.encode())
    if open_robot(str(toml)) != measured:
        raise ConfigError(f"{toml} does not say what was measured: write the values of {path} into your robot file")
    figures = {"file": str(path), "robot_file": str(toml), "robot": robot.name, "residuals": _residuals(robot, zero)}
    return {**figures, "kept": None if kept is None else str(kept)}


def _residuals(robot: Robot, zero: ArmZero) -> dict[str, dict[str, object]]:
    """By joint, what was measured and how far the robot file was off."""
    residuals: dict[str, dict[str, object]] = {}
    for joint in robot.joint:
        ours = zero.joints[joint.name]
        off = (ours.zero_tick - joint.zero_tick) * DEGREES_A_TICK
        figures = {"zero_tick": ours.zero_tick, "sign": ours.sign}
        residuals[joint.name] = {**figures, "zero_off_deg": round(off, 2), "sign_off": ours.sign != joint.sign}
    return residuals

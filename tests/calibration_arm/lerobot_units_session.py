"""LeRobot's own units: `python lerobot_units_session.py DIRECTORY`, run by an interpreter that has LeRobot.

Reads cases as JSON from stdin, [mode, range_min, range_max, ticks, values], and prints [[normalised], [unnormalised]]
for each. Reads DIRECTORY/koch.json as LeRobot does and writes it again as DIRECTORY/again.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lerobot.motors.dynamixel import DynamixelMotorsBus  # type: ignore[import-not-found]
from lerobot.motors.motors_bus import Motor, MotorCalibration, MotorNormMode  # type: ignore[import-not-found]
from lerobot.robots.koch_follower import KochFollower, KochFollowerConfig  # type: ignore[import-not-found]


def converted(mode: str, low: int, high: int, ticks: list[int], values: list[float]) -> list[list[Any]]:
    motors = {"joint": Motor(3, "xl330-m288", MotorNormMode(mode))}
    bus = DynamixelMotorsBus("/dev/null", motors, {"joint": MotorCalibration(3, 1, 7, low, high)})
    return [[bus._normalize({3: tick})[3] for tick in ticks], [bus._unnormalize({3: value})[3] for value in values]]


def main() -> None:
    directory = Path(sys.argv[1])
    robot = KochFollower(KochFollowerConfig(port="/dev/null", id="koch", calibration_dir=directory))
    robot._save_calibration(directory / "again.json")
    print(json.dumps([converted(*case) for case in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()

"""A session of LeRobot's Koch follower, unchanged: `python lerobot_session.py PORT DIRECTORY`.

Run by an interpreter that has LeRobot. Its calibration file is written to the servos after the one key that LeRobot
asks for; the second connection must ask for none. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

from lerobot.robots.koch_follower import KochFollower, KochFollowerConfig  # type: ignore[import-not-found]

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
FULL_TURN = ("shoulder_pan", "wrist_roll")
CALIBRATION = {
    name: {
        "id": servo_id,
        "drive_mode": 0,
        "homing_offset": 10 * servo_id,
        "range_min": 0 if name in FULL_TURN else 700,
        "range_max": 4095 if name in FULL_TURN else 3300,
    }
    for servo_id, name in enumerate(JOINTS, start=1)
}
STEP = 4.0
"""Normalised units, of 200 over a joint's range."""
PATIENCE_S, CLOSE = 10.0, 1.0


def follower(port: str, directory: Path) -> KochFollower:
    return KochFollower(KochFollowerConfig(port=port, id="koch", calibration_dir=directory))


def moved(robot: KochFollower) -> dict[str, float]:
    """Ask every joint for a step, and return what they still lack of it after they have had time."""
    goal = {key: value + STEP for key, value in robot.get_observation().items()}
    assert robot.send_action(goal) == goal
    deadline = time.monotonic() + PATIENCE_S
    while True:
        left = {key: abs(goal[key] - value) for key, value in robot.get_observation().items()}
        if max(left.values()) < CLOSE or time.monotonic() > deadline:
            return left


def main() -> None:
    port, directory = sys.argv[1], Path(sys.argv[2])
    (directory / "koch.json").write_text(json.dumps(CALIBRATION, indent=4))
    first = follower(port, directory)
    first.connect()
    at_first = first.get_observation()
    left = moved(first)
    first.disconnect()
    second = follower(port, directory)
    second.connect()
    calibrated = second.is_calibrated
    second.disconnect()
    print(
        json.dumps({"version": version("lerobot"), "observation": at_first, "left": left, "calibrated": calibrated}),
        flush=True,
    )


if __name__ == "__main__":
    main()

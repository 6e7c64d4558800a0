"""Does LeRobot's Koch follower take the arm for calibrated? `python lerobot_accepts_session.py PORT DIRECTORY`.

Run by an interpreter that has LeRobot; DIRECTORY holds koch.json. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lerobot.robots.koch_follower import KochFollower, KochFollowerConfig  # type: ignore[import-not-found]


def main() -> None:
    robot = KochFollower(KochFollowerConfig(port=sys.argv[1], id="koch", calibration_dir=Path(sys.argv[2])))
    robot.bus.connect()
    found = {"calibrated": robot.is_calibrated, "positions": robot.bus.sync_read("Present_Position", normalize=False)}
    robot.bus.disconnect(disable_torque=False)
    print(json.dumps(found))


if __name__ == "__main__":
    main()

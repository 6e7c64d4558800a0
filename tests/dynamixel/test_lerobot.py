"""LeRobot's Koch follower, unchanged, on `libra-edge emulate koch`.

Runs where LeRobot is installed: in this interpreter, or in the one that LEROBOT_PYTHON names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dynamixel.test_emulate_command import first_line, process

PYTHON = os.environ.get("LEROBOT_PYTHON", sys.executable)
SESSION = Path(__file__).with_name("lerobot_session.py")
THERE = subprocess.run([PYTHON, "-c", "import lerobot"], capture_output=True, check=False).returncode == 0
CLOSE = 1.0


@pytest.mark.skipif(not THERE, reason="LeRobot is not installed; LEROBOT_PYTHON may name an interpreter that has it")
def test_lerobot_connects_calibrates_observes_moves_and_disconnects(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with process(["-m", "libra_edge.cli.main", "emulate", "koch"]) as running:
        port = json.loads(first_line(running))["port"]
        session = subprocess.run(
            [PYTHON, str(SESSION), port, str(tmp_path)],
            input="\n",
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment,
        )
    assert session.returncode == 0, session.stderr[-2000:]
    said = json.loads(session.stdout[session.stdout.index("{") :])
    assert said["calibrated"], "what LeRobot wrote to the servos is not what it read"
    assert len(said["observation"]) == len(said["left"]) == 6
    assert all(left < CLOSE for left in said["left"].values()), said

"""LeRobot itself, unchanged, as referee of files and units.

Runs where LeRobot is installed: in this interpreter, or in the one that LEROBOT_PYTHON names.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from libra_edge.calibration import lerobot_units as units
from libra_edge.calibration.arm import JointCalibration, arm_calibration_bytes
from tests.calibration_arm.hands import fitting

PYTHON = os.environ.get("LEROBOT_PYTHON", sys.executable)
SESSIONS = Path(__file__).parent
THERE = subprocess.run([PYTHON, "-c", "import lerobot"], capture_output=True, check=False).returncode == 0
MODES = {
    "degrees": (units.to_degrees, units.from_degrees),
    "range_m100_100": (units.to_range_m100_100, units.from_range_m100_100),
    "range_0_100": (units.to_range_0_100, units.from_range_0_100),
}
needs_lerobot = pytest.mark.skipif(
    not THERE, reason="LeRobot is not installed; LEROBOT_PYTHON may name an interpreter that has it"
)


def lerobot(session: str, arguments: list[str], said: str = "") -> Any:
    """What a session of LeRobot's interpreter prints as its last line."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [PYTHON, str(SESSIONS / session), *arguments],
        input=said,
        capture_output=True,
        text=True,
        check=False,
        cwd=arguments[-1],
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def cases() -> list[list[Any]]:
    draw = random.Random(5)
    made = []
    for mode in MODES:
        for _ in range(100):
            low = draw.randrange(0, 4000)
            high = draw.randrange(low + 1, 4096)
            ticks = [draw.randrange(-4096, 8192) for _ in range(20)]
            made.append([mode, low, high, ticks, [draw.uniform(-200, 200) for _ in range(20)]])
    return made


@needs_lerobot
def test_files_and_units_agree_with_lerobot_to_the_last_bit(tmp_path: Path) -> None:
    (tmp_path / "koch.json").write_bytes(arm_calibration_bytes(fitting()))
    asked = cases()
    answers = lerobot("lerobot_units_session.py", [str(tmp_path)], json.dumps(asked))
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "koch.json").read_bytes()
    for (mode, low, high, ticks, values), (normalised, unnormalised) in zip(asked, answers, strict=True):
        there, back = MODES[mode]
        joint = JointCalibration(id=3, drive_mode=1, homing_offset=7, range_min=low, range_max=high)
        assert [there(tick, joint) for tick in ticks] == normalised
        assert [back(value, joint) for value in values] == unnormalised

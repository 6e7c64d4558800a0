"""The document lists the checks there are, and its example runs."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.dynamixel.conformance.page import EXAMPLE, PAGE, rendered


def test_the_document_is_up_to_date() -> None:
    assert PAGE.read_text() == rendered(), "run: python -m tests.dynamixel.conformance.page"


def test_the_example_moves_the_emulated_arm() -> None:
    done = subprocess.run([sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=True)
    found = re.search(r"went from (\d+) to (\d+)", done.stdout)
    assert found is not None
    assert abs(int(found[2]) - int(found[1]) - 200) <= 15
    assert '"goals": 1' in done.stdout

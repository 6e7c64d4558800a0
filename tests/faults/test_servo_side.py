"""Faults of the bus and of the host under the real servo process: the right reaction, and no limit broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from libra_edge.runtime import servo_client
from tests.faults import bus_cases, host_cases
from tests.faults.servo_side import ServoCase, ServoSide

CASES = (*bus_cases.CASES, *host_cases.CASES)
VIOLENT = tuple(case for case in host_cases.CASES if case.name.startswith("goals"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_reaction_is_right_and_no_limit_is_broken(runtime_directory: Path, case: ServoCase) -> None:
    outcome = ServoSide().play(case)
    assert outcome.violations == []
    assert outcome.right, outcome


@pytest.mark.parametrize("case", VIOLENT, ids=lambda case: case.name)
def test_without_the_governor_the_judge_sees_limits_broken(
    runtime_directory: Path, monkeypatch: pytest.MonkeyPatch, case: ServoCase
) -> None:
    monkeypatch.setattr(servo_client, "SERVO_MODULE", "tests.faults.ungoverned")
    assert ServoSide().play(case).violations

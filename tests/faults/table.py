"""Injects every fault again and again and writes docs/faults.md.

python -m tests.faults.table --repeats 3
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from tests.dynamixel.bench import emulated
from tests.faults import bus_cases, camera_cases, host_cases, model_cases
from tests.faults.policy_outcome import Case, outcome_of
from tests.faults.policy_process_cases import BLOCKED, policy_process
from tests.faults.policy_side import PolicySide
from tests.faults.policy_troubles import TROUBLES, Trouble
from tests.faults.servo_side import ServoCase, ServoSide, judge_of, kinematic_plant

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
TEMPLATE = Path(__file__).with_name("page.md")


@dataclass
class Row:
    """One fault. Times in ms."""

    group: str
    name: str
    reaction: str
    injected: int = 0
    right: int = 0
    violated: int = 0
    times: list[float] = field(default_factory=list)

    def count(self, right: bool, violations: int, after_ms: float | None) -> None:
        """One more injection."""
        self.injected += 1
        self.right += right
        self.violated += violations
        if after_ms is not None:
            self.times.append(after_ms)

    def cells(self) -> list[str]:
        """Of the table."""
        p50, worst = (
            ("-", "-") if not self.times else (f"{statistics.median(self.times):.0f}", f"{max(self.times):.0f}")
        )
        return [self.name, self.reaction, str(self.injected), str(self.right), p50, worst, str(self.violated)]


def main() -> int:
    """Exit code 1 if any reaction was wrong or any limit broken."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    path = Path(tempfile.mkdtemp(prefix="le-"))
    os.environ["XDG_RUNTIME_DIR"] = os.environ["TMPDIR"] = tempfile.tempdir = str(path)
    rows = played(given.repeats)
    shutil.rmtree(path, ignore_errors=True)
    PAGE.write_text(page(rows, given.repeats), encoding="utf-8")
    wrong = [row for row in rows if row.right < row.injected or row.violated]
    if given.json:
        print(json.dumps({"page": str(PAGE), "faults": [vars(row) for row in rows]}))
    return 1 if wrong else 0


def played(repeats: int) -> list[Row]:
    """Every fault, so often."""
    plays: list[tuple[Row, Callable[[Row], None]]] = []
    for case in (*bus_cases.CASES, *host_cases.CASES):
        plays.append((Row(case.group, case.name, case.expected.value), servo_play(case)))
    policy: Iterable[tuple[str, Case]] = [
        *(("Camera", camera) for camera in (*camera_cases.CASES, camera_cases.BLIND_FOR_GOOD)),
        *(("Models", model) for model in model_cases.CASES),
        ("Policy process", BLOCKED),
    ]
    for group, one in policy:
        plays.append((Row(group, one.name, ""), policy_play(one)))
    for trouble in TROUBLES:
        plays.append((Row("Policy process", trouble.name, ""), trouble_play(trouble)))
    with Progress(console=Console(file=sys.stderr)) as progress:
        bar = progress.add_task("faults", total=repeats * len(plays))
        for row, play in plays:
            for _ in range(repeats):
                play(row)
                progress.advance(bar)
    return [row for row, _ in plays]


def servo_play(case: ServoCase) -> Callable[[Row], None]:
    """Plays a fault of the bus or the host."""

    def play(row: Row) -> None:
        outcome = ServoSide().play(case)
        row.count(outcome.right, len(outcome.violations), outcome.reaction_ms)

    return play


def policy_play(case: Case) -> Callable[[Row], None]:
    """Plays a fault of a camera, a system or the policy process."""

    def play(row: Row) -> None:
        plant = kinematic_plant()
        model_cases.RELEASED.clear()
        try:
            with emulated(plant=plant) as emulator, judge_of(plant) as judge:
                outcome = outcome_of(case, emulator, PolicySide(emulator.port))
                violations = judge.verdicts(emulator.ledger.goals)
        finally:
            model_cases.RELEASED.set()
        ends = outcome.exit_code == 3
        should_end = bool(getattr(case, "ends", "")) or not getattr(case, "mended", True)
        right = ends == should_end and (ends or outcome.moved_ms is not None)
        held = outcome.stood_ms is not None
        row.reaction = "stands, ends with exit code 3" if ends else ("holds, goes on" if held else "goes on, announced")
        after_ms = outcome.stood_ms if held else max(outcome.announced_ms, 0.0)  # it is rounded to a millisecond
        row.count(right, len(violations) + outcome.violated, after_ms)

    return play


def trouble_play(trouble: Trouble) -> Callable[[Row], None]:
    """Plays what befalls the policy process from within. Nobody outside can tell when its reaction began."""

    def play(row: Row) -> None:
        plant = kinematic_plant()
        with emulated(plant=plant) as emulator, judge_of(plant) as judge:
            with policy_process(emulator, trouble) as policy:
                told = policy.report()
            violations = judge.verdicts(emulator.ledger.goals)
        said = " ".join(told["said"])
        right = told["ended"] == "task done" and told["moved_ms"] is not None and trouble.said in said
        held = any(reaction == "hold" for _, reaction in told["faults"])
        row.reaction = "holds, goes on" if held else "goes on, announced"
        row.count(right, len(violations) + told["violated"], None)

    return play


def page(rows: list[Row], repeats: int) -> str:
    """The whole of docs/faults.md."""
    injected, right, violated = (sum(getattr(row, name) for row in rows) for name in ("injected", "right", "violated"))
    machine = f"{os.cpu_count()} cores ({platform.machine()}), no GPU, CPython {platform.python_version()}"
    tables = []
    for group in dict.fromkeys(row.group for row in rows):
        tables += ["", f"## {group}", "", "| fault | reaction | injected | right | p50 | max | limits broken |"]
        tables += ["|---|---|---|---|---|---|---|"]
        tables += [f"| {' | '.join(row.cells())} |" for row in rows if row.group == group]
    return TEMPLATE.read_text(encoding="utf-8").format(
        repeats=repeats,
        date=f"{datetime.now().astimezone():%Y-%m-%d}",
        machine=machine,
        injected=injected,
        right=right,
        violated=violated,
        tables="\n".join([*tables, ""]),
    )


if __name__ == "__main__":
    sys.exit(main())

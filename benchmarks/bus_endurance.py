"""The arm's bus on a wire that damages, loses and delays answers: does it ever stop, or believe a wrong one?

    python benchmarks/bus_endurance.py [--seconds 600] [--rate 200] [--stalls SEED]

Six emulated servos on a pseudo-terminal paced to 1 Mbit/s, of whose answers 1 % are damaged, 0.5 % lost and 0.2 % come
4 ms late. Each servo measures whose value it is and what time it is, so that one of another servo, or of an earlier
cycle, is known at once. With `--stalls` the servos' process is stopped for milliseconds again and again, so that many
more answers come late. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.wire.far_end import far_end
from benchmarks.wire.stalls import stalled
from benchmarks.wire.telling_plant import SLICE
from libra_edge.drivers.dynamixel.koch_arm import KochArm
from libra_edge.drivers.simulation.frozen_garbage import freeze_garbage
from libra_edge.errors import BusError, MissingServosError
from libra_edge.messages import JointState
from libra_edge.robot import Robot, open_robot

ROBOT = "koch"
BAUD = 1_000_000
LAST_CYCLES = 20
"""After the trouble has ended: what is late then still has to come."""


def robot_at(rate_hz: float) -> Robot:
    """The arm with another servo rate."""
    robot = open_robot(ROBOT)
    return robot.model_copy(update={"servo": robot.servo.model_copy(update={"rate_hz": rate_hz})})


def wrong_values(robot: Robot, joints: JointState, asked_ms: int, now_ms: int) -> int:
    """How many positions are of another servo, or were not measured between the question and now."""
    seen = ~np.isnan(joints.position)
    ticks = robot.to_ticks(np.where(seen, joints.position, 0.0))
    owners, told_ms = np.divmod(ticks, SLICE)
    theirs = owners == [joint.id for joint in robot.joint]
    recent = (told_ms - asked_ms) % SLICE <= now_ms - asked_ms
    return int(np.sum(seen & ~(theirs & recent)))


class Endurance:
    """Cycles of reading and writing, as the servo loop does them.

    Attributes:
        seen: cycles by what came of them; "wrong" counts values.
        longest_ms: the longest cycle.
    """

    def __init__(self, arm: KochArm, robot: Robot) -> None:
        self.seen: Counter[str] = Counter(whole=0, partial=0, recovering=0, wrong=0)
        self.longest_ms = 0.0
        self._arm, self._robot, self._recovering = arm, robot, False

    def last(self, seconds: float, rate_hz: float) -> float:
        """Cycles for so long; the seconds that it took."""
        began = time.monotonic()
        for number in range(round(seconds * rate_hz)):
            time.sleep(max(0.0, began + number / rate_hz - time.monotonic()))
            self.cycle()
        return time.monotonic() - began

    def cycle(self) -> None:
        """Read, look whether it is true, write. Raises what the arm raises when it is beyond recovery."""
        began_ns = time.monotonic_ns()
        try:
            if self._recovering:
                self.seen["recovering"] += 1
                self._recovering = self._arm.recover(self._robot.rest) is None
                return
            self._look(self._arm.read(), began_ns)
            self.seen["whole"] += 1
        except MissingServosError as missing:
            self._look(missing.joints, began_ns)
            self.seen["partial"] += 1
        except BusError as problem:
            print(f"recovering: {problem}", file=sys.stderr)
            self._recovering = True
            return
        self._arm.write(self._robot.rest)
        self.longest_ms = max(self.longest_ms, (time.monotonic_ns() - began_ns) / 1e6)

    def _look(self, joints: JointState, began_ns: int) -> None:
        now_ms = time.monotonic_ns() // 1_000_000
        self.seen["wrong"] += wrong_values(self._robot, joints, began_ns // 1_000_000, now_ms)


def told(process: subprocess.Popen[str]) -> str:
    """Say a word to the far end, and what it answers."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    return process.stdout.readline()


def endure(rate_hz: float, seconds: float, stalls_seed: int | None = None) -> dict[str, Any]:
    """Everything that was injected, and everything that was seen of it."""
    robot = robot_at(rate_hz)
    with far_end(ROBOT, BAUD, "benchmarks.wire.troubled_end") as (port, process):
        arm = KochArm(robot, port)
        arm.open()
        try:
            arm.enable_torque()
            told(process)
            freeze_garbage()  # as the servo process does
            endurance = Endurance(arm, robot)
            with nullcontext() if stalls_seed is None else stalled(process.pid, stalls_seed):
                lasted_s = endurance.last(seconds, rate_hz)
            injected = json.loads(told(process))
            for _ in range(LAST_CYCLES):
                time.sleep(1.0 / rate_hz)
                endurance.cycle()
            counted = asdict(arm.counts)
            arm.disable_torque()
        finally:
            arm.close()
    return {
        "seconds": round(lasted_s, 1),
        "rate_hz": rate_hz,
        "injected": injected,
        "counted": counted,
        "cycles": dict(endurance.seen),
        "longest_cycle_ms": round(endurance.longest_ms, 2),
    }


def verdicts(figures: dict[str, Any]) -> dict[str, bool]:
    """What was asked of the bus, and whether it holds."""
    injected, counted = figures["injected"], figures["counted"]
    spoilt = sum(injected.get(kind, 0) for kind in ("corrupt", "lost", "late"))
    return {
        "no_wrong_value": figures["cycles"]["wrong"] == 0,
        "every_damaged_one_counted": counted["corrupt"] >= injected.get("corrupt", 0),
        "every_late_one_counted": counted["late"] >= injected.get("late", 0),
        "every_spoilt_one_noticed": counted["unanswered"] + counted["corrupt"] >= spoilt,
    }


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=600.0, help="how long [default: 600]")
    options.add_argument("--rate", type=float, default=200.0, help="cycles a second [default: 200]")
    options.add_argument("--stalls", type=int, metavar="SEED", help="stop the servos' process at random moments")
    chosen = options.parse_args()
    figures = endure(chosen.rate, chosen.seconds, chosen.stalls)
    print(json.dumps({**figures, "verdicts": verdicts(figures)}))


if __name__ == "__main__":
    main()

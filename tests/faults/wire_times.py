"""When the arm stood, by what came over the wire."""

from __future__ import annotations

import time

from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator

STANDING = 10
PATIENCE_S = 30.0


def wait_for_standstill(emulator: ServoBusEmulator, since_ns: int) -> float:
    """Milliseconds from `since_ns` to the first of ten equal goals of every servo.

    Raises AssertionError if none come.
    """
    deadline = time.monotonic() + PATIENCE_S
    while (stood_ns := _first_of_a_standstill(emulator, since_ns)) is None:
        assert time.monotonic() < deadline, "the arm never stood"
        time.sleep(0.01)
    return (stood_ns - since_ns) / 1e6


def _first_of_a_standstill(emulator: ServoBusEmulator, since_ns: int) -> int | None:
    """One packet carries the goals of all servos, and equal goals make equal packets."""
    goals = [goal for goal in list(emulator.ledger.goals) if goal.time_ns >= since_ns]
    writes = [(goal.time_ns, goal.packet) for goal in goals if goal.servo_id == goals[0].servo_id]
    for index in range(len(writes) - STANDING):
        if len({packet for _, packet in writes[index : index + STANDING]}) == 1:
            return writes[index][0]
    return None

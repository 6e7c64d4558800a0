"""When the arm stood, by what came over the wire."""

from __future__ import annotations

import time

from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator

STANDING = 10
PATIENCE_S = 30.0


def wait_for_standstill(emulator: ServoBusEmulator, since_ns: int) -> float:
    """Milliseconds from `since_ns` to the first of ten equal goals of every servo; AssertionError if none come."""
    deadline = time.monotonic() + PATIENCE_S
    while (stood_ns := _first_of_a_standstill(emulator, since_ns)) is None:
        assert time.monotonic() < deadline, "the arm never stood"
        time.sleep(0.01)
    return (stood_ns - since_ns) / 1e6


def _first_of_a_standstill(emulator: ServoBusEmulator, since_ns: int) -> int | None:
    writes: dict[int, dict[int, int]] = {}
    for goal in list(emulator.ledger.goals):
        if goal.time_ns >= since_ns:
            writes.setdefault(goal.time_ns, {})[goal.servo_id] = goal.tick
    times, poses = list(writes), list(writes.values())
    for index in range(len(poses) - STANDING):
        if all(pose == poses[index] for pose in poses[index : index + STANDING]):
            return times[index]
    return None

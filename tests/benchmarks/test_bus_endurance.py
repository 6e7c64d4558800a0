"""The bus on a wire that spoils answers, for seconds here and for minutes in the benchmark; and that it would tell."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.bus_endurance import endure, robot_at, verdicts, wrong_values
from benchmarks.wire.telling_plant import SLICE, value_of
from benchmarks.wire.troubled_end import Trouble
from libra_edge.drivers.simulation.servos.packet_faults import corrupt, lost
from libra_edge.messages import JointState

RATE_HZ, SECONDS = 200.0, 2.0
ROBOT = robot_at(RATE_HZ)
ASKED_MS, NOW_MS = 7 * SLICE - 3, 7 * SLICE + 2


def state(ticks: list[int]) -> JointState:
    position = ROBOT.to_radians(np.array(ticks))
    return JointState(position, np.zeros(6), 0, np.zeros(6))


@pytest.mark.parametrize("stalls_seed", [None, 1])
def test_a_wire_that_spoils_answers_neither_stops_the_arm_nor_makes_it_believe_a_wrong_one(
    stalls_seed: int | None,
) -> None:
    figures = endure(RATE_HZ, SECONDS, stalls_seed)
    assert figures["injected"]["answers"] > RATE_HZ * SECONDS / 3
    assert sum(figures["injected"].get(kind, 0) for kind in ("corrupt", "lost", "late")) >= 3
    assert figures["cycles"]["whole"] > 0
    assert all(verdicts(figures).values()), figures


def test_values_of_this_cycle_are_right_also_where_the_clock_begins_anew() -> None:
    for told_ms in (ASKED_MS, 7 * SLICE, NOW_MS):
        ticks = [value_of(joint.id, told_ms) for joint in ROBOT.joint]
        assert wrong_values(ROBOT, state(ticks), ASKED_MS, NOW_MS) == 0


@pytest.mark.parametrize("told_ms", [ASKED_MS - 1, NOW_MS + 1])
def test_a_value_of_another_cycle_is_wrong(told_ms: int) -> None:
    ticks = [value_of(joint.id, ASKED_MS) for joint in ROBOT.joint]
    ticks[2] = value_of(3, told_ms)
    assert wrong_values(ROBOT, state(ticks), ASKED_MS, NOW_MS) == 1


def test_a_value_of_another_servo_is_wrong_and_one_that_is_missing_is_not() -> None:
    first, *others, last = [value_of(joint.id, ASKED_MS) for joint in ROBOT.joint]
    position = state([last, *others, first]).position.copy()
    position[3] = np.nan
    assert wrong_values(ROBOT, JointState(position, np.zeros(6), 0, np.zeros(6)), ASKED_MS, NOW_MS) == 2


def test_trouble_counts_what_it_spoils_in_the_shares_asked_for() -> None:
    packet = bytes(range(20))
    trouble = Trouble([("corrupt", 0.2, corrupt), ("lost", 0.1, lost)], seed=3)
    arrived = [trouble(packet) for _ in range(4000)]
    assert trouble.counts["lost"] == arrived.count(b"") == pytest.approx(400, rel=0.2)
    assert trouble.counts["corrupt"] == arrived.count(corrupt(packet)) == pytest.approx(800, rel=0.2)
    assert trouble.counts["answers"] == 4000

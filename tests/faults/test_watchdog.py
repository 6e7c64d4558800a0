"""The servos' own watchdog: the servo process dies while they are on their way to a distant goal."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import uvloop

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.servo_model import WATCHDOG_TRIPPED
from libra_edge.messages import ActionChunk
from libra_edge.runtime.servo_client import ServoClient
from libra_edge.runtime.supervisor import State
from tests.faults.servo_side import PATIENCE_S, ROBOT, STEP_NS, ServoSide

CRAWLING = 3
"""Profile velocity, 0.229 rpm each: 4 degrees a second, with a goal that runs on at 30."""
WITHIN_MS = 120.0
FAR_TICKS = 100


async def killed_on_the_way(side: ServoSide, *, armed: bool) -> None:
    """Lead every joint away, let the servos crawl after it, and kill the servo process."""
    client = await ServoClient.launch(["--robot", "koch-sim", "--port", str(side.link)], joints=len(ROBOT.joint))
    await client.wait_for(State.READY, patience_s=PATIENCE_S)
    await client.request("start")
    with side.servos() as servos:
        for servo in servos.values():
            servo[r.PROFILE_VELOCITY] = CRAWLING
    now_ns = time.monotonic_ns()
    rows = ROBOT.rest + (ROBOT.high + ROBOT.low > 2 * ROBOT.rest) * 0.5 - 0.25
    client.send_chunk(ActionChunk(1, rows[None].repeat(5, axis=0), 0, now_ns, 2 * STEP_NS, 1, 2, now_ns))
    await side.until(lambda: all(lag(side, joint.id) > FAR_TICKS for joint in ROBOT.joint))
    os.kill(client.process_id, signal.SIGKILL)
    if not armed:
        with side.servos() as servos:
            for servo in servos.values():
                servo[r.BUS_WATCHDOG] = 0
    await client.wait_closed()


def lag(side: ServoSide, servo_id: int) -> int:
    """Ticks between where the servo stands and its goal, before the watchdog makes them one."""
    with side.servos() as servos:
        goal = [record.tick for record in side.goals if record.servo_id == servo_id][-1:]
        return abs(goal[0] - side.plant.measure(servo_id).position_tick) if goal and servos else 0


def standing_after_ms(side: ServoSide) -> float | None:
    """From the last packet to all six watchdogs tripped; None if that takes longer than a second."""
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        with side.servos() as servos:
            heard_ns = max(servo._heard_ns for servo in servos.values())
            if all(servo[r.BUS_WATCHDOG] == WATCHDOG_TRIPPED for servo in servos.values()):
                return (time.monotonic_ns() - heard_ns) / 1e6
        time.sleep(0.001)
    return None


def positions(side: ServoSide) -> list[int]:
    return [side.plant.measure(joint.id).position_tick for joint in ROBOT.joint]


def test_six_servos_stand_within_120_ms_of_the_last_packet_far_from_their_goal(runtime_directory: Path) -> None:
    side = ServoSide()
    asyncio.run(killed_on_the_way(side, armed=True))
    after_ms = standing_after_ms(side)
    before = positions(side)
    lags = [lag(side, joint.id) for joint in ROBOT.joint]
    uvloop.run(asyncio.sleep(0.3))
    side.unplug()
    assert after_ms is not None
    assert after_ms <= WITHIN_MS
    assert positions(side) == before
    assert min(lags) > FAR_TICKS // 2


def test_without_an_armed_watchdog_they_go_on_to_their_goal(runtime_directory: Path) -> None:
    side = ServoSide()
    asyncio.run(killed_on_the_way(side, armed=False))
    assert standing_after_ms(side) is None
    before = positions(side)
    deadline = time.monotonic() + PATIENCE_S
    while positions(side) == before:
        assert time.monotonic() < deadline, "they stand"
        time.sleep(0.01)
    side.unplug()

"""A run's log with instants that a test knows: three chunks, of which the arm followed two."""

from __future__ import annotations

import numpy as np

from libra_edge.clock import SimulatedClock
from libra_edge.profiling.profile_log import MadeChunk, MadePlan, ProfileLog, ShownFrame
from libra_edge.profiling.side_by_side import Calls, SideBySide
from libra_edge.profiling.system_calls import Span, System, SystemCall
from libra_edge.robot import open_robot
from libra_edge.runtime.command import Command
from libra_edge.runtime.governor import Verdict
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.run_log import FaultReport, RefineTimes
from libra_edge.runtime.supervisor import State
from libra_edge.runtime.tick_times import TickTimes

MS = 1_000_000
START = 5_000 * MS
PERIOD = 10 * MS
ROBOT = open_robot("koch-sim")
WAY_MS = {
    "capture": 6.0, "copy": 0.5, "wait": 20.0, "dispatch": 1.0, "refiner": 9.0, "pick_up": 3.0,
    "sample": 0.05, "govern": 0.15, "bus": 0.1,
}  # fmt: skip
UNEXPLAINED_MS = 0.2
"""Within the refiner's thread, but outside the refiner's call."""


def ns(time_ms: float) -> int:
    return round(time_ms * MS)


def call(system: System, began_ns: int, *lengths_ms: float, host_ms: float = 1.0) -> SystemCall:
    """A call whose parts have these lengths, one after the other, after `host_ms` of the CPU's own work."""
    names = {"planner": ("planner",), "refiner": ("refiner_encoder", *["refiner_step"] * 9)}[system]
    at, parts = began_ns + ns(host_ms), []
    for name, length_ms in zip(names, lengths_ms, strict=False):
        parts.append(Span(name, at, at + ns(length_ms)))
        at += ns(length_ms)
    return SystemCall(system, began_ns, at, tuple(parts))


def command(
    number: int, time_ns: int, chunk_id: int | None, *, late_ns: int = 0, written_ns: int | None = None
) -> Command:
    pose = np.zeros(6)
    sampled = time_ns + ns(WAY_MS["sample"])
    governed = sampled + ns(WAY_MS["govern"])
    written = governed + ns(WAY_MS["bus"]) if written_ns is None else written_ns
    tick = TickTimes(time_ns - ns(1.5), ns(1.4), sampled, governed, written)
    verdict = Verdict(np.zeros(6, np.uint8))
    return Command(number, time_ns, pose, pose, chunk_id, 1, START, verdict, State.RUNNING, late_ns, tick=tick)


def made_log() -> ProfileLog:
    """Chunks 0 and 2 were followed, chunk 1 was overtaken; one tick missed its deadline, one chunk was late."""
    log = ProfileLog(SimulatedClock(), ROBOT.joint_names, LimitCheck(ROBOT), start_ns=START, end_ns=START + 1500 * MS)
    for number in range(3):
        _add_chunk(log, number, START + number * 500 * MS)
    log.commands.append(command(7, START + 1400 * MS, 2, late_ns=ns(8.0), written_ns=START + 1405 * MS))
    log.faults.append(FaultReport(0.7, "<b>something</b>", "goes on"))
    log.plans, log.chunks, log.late_chunks = 3, 3, 1
    return log


def _add_chunk(log: ProfileLog, number: int, captured_ns: int) -> None:
    read_ns = captured_ns + ns(WAY_MS["capture"])
    shown_ns = read_ns + ns(WAY_MS["copy"])
    log.frames.append(ShownFrame("wrist", number, captured_ns + MS, read_ns + MS, shown_ns + MS))
    log.frames.append(ShownFrame("front", number, captured_ns, read_ns, shown_ns))
    planned_ns = captured_ns - 100 * MS
    plan = call("planner", planned_ns, 2.0)
    log.plans_made.append(MadePlan(number, planned_ns - MS, plan.ended_ns, planned_ns - 9 * MS, plan))
    asked_ns = shown_ns + ns(WAY_MS["wait"])
    refined = call("refiner", asked_ns + ns(0.6), 3.0, *[1.0] * 5)
    refiner_ms = WAY_MS["refiner"] + UNEXPLAINED_MS
    sent_ns = asked_ns + ns(refiner_ms + WAY_MS["dispatch"])
    frames = (("front", captured_ns), ("wrist", captured_ns + MS))
    times = RefineTimes(asked_ns, sent_ns, refiner_ms)
    chunk = MadeChunk(number, number, captured_ns, times, number == 1, frames, refined)
    log.chunks_made.append(chunk)
    if number != 1:
        first_ns = sent_ns + ns(WAY_MS["pick_up"])
        log.commands += [command(3 * number + tick, first_ns + tick * PERIOD, number) for tick in range(2)]


def made_side() -> SideBySide:
    """Ten calls of each system alone, ten side by side, which take twice as long."""

    def calls(scale: float) -> Calls:
        planner = tuple(call("planner", n * 100 * MS, 2.0 * scale) for n in range(10))
        refiner = tuple(call("refiner", n * 100 * MS + MS, *[1.5 * scale] * 6) for n in range(10))
        return Calls(planner, refiner)

    return SideBySide(calls(4.0), calls(1.0), calls(2.0))

"""Two workers on one GPU, awaited at once in virtual time."""

from __future__ import annotations

import asyncio

from benchmarks.timed.shared_gpu import SharedGpu
from benchmarks.timed.timed_worker import Workshop
from benchmarks.timed.virtual_time import run_in_virtual_time
from libra_edge.clock import SimulatedClock


def test_who_is_left_alone_is_faster_from_then_on() -> None:
    clock = SimulatedClock()

    async def both() -> dict[str, float]:
        workshop = Workshop(clock, SharedGpu(1.0), {"planner": 60_000_000, "refiner": 92_000_000})
        await asyncio.gather(*(workshop.worker(name).run(lambda: None) for name in workshop.work_ns))
        return {call.system: round(call.milliseconds, 3) for call in workshop.calls}

    assert run_in_virtual_time(clock, both()) == {"planner": 120.0, "refiner": 152.0}

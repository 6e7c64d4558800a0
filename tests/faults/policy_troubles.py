"""What can befall the policy process from within, each played in a process of its own: see policy_child.py."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from libra_edge.runtime.recorder import Recorder
from tests.faults.policy_side import PolicySide, until
from tests.faults.trouble import collect_garbage, fill_the_disk, step_wall_clock

HOUR_S = 3600.0


@dataclass(frozen=True)
class Trouble:
    """One fault; the arm must move on pictures that were taken after it.

    Attributes:
        befall: returns when it is over, or has come to stay.
        said: must be in what was announced; "" where nothing need be.
    """

    name: str
    befall: Callable[[PolicySide], Coroutine[Any, Any, None]]
    said: str = ""

    async def scenario(self, side: PolicySide) -> None:
        side.inject()
        await self.befall(side)
        side.heal()
        await until(lambda: side.moved_after_ms() is not None)
        await side.chunks(2)


async def garbage_storm(side: PolicySide) -> None:
    assert await asyncio.to_thread(collect_garbage) > 1


async def clock_stepped_to_and_fro(side: PolicySide) -> None:
    for by_s in (HOUR_S, -2 * HOUR_S):
        step_wall_clock(by_s)
        await side.chunks(1)


async def disk_full(side: PolicySide) -> None:
    """Without room from its first second on."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "run.mcap", {})
        side.log.sinks = (recorder,)
        await side.chunks(1)
        fill_the_disk(recorder.path)
        await until(lambda: recorder.failure is not None)
        recorder.close()


async def paused(side: PolicySide) -> None:
    """Somebody else does that."""
    await until(lambda: any("stood still" in fault.kind for fault in side.faults))


PAUSED = Trouble("paused", paused, "stood still")
TROUBLES = (
    Trouble("garbage-collection storm", garbage_storm),
    Trouble("wall clock an hour ahead, then an hour back", clock_stepped_to_and_fro, "clock set"),
    Trouble("disk full under the recording", disk_full, "File too large"),
)
BY_NAME = {trouble.name: trouble for trouble in (PAUSED, *TROUBLES)}

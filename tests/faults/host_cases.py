"""What can happen to the servo process, its host, and the memory through which chunks come."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from libra_edge.messages import ActionChunk, Float64
from libra_edge.runtime.channel import CHUNK_FILE
from libra_edge.runtime.servo_directory import running_servos
from tests.faults.servo_side import Expected, ServoCase, ServoSide

HEADER_BYTES = 16
LASTS_S = 1.0
HOG = "import time; end = time.monotonic() + 3\nwhile time.monotonic() < end: pass"
TO_AND_FRO: Float64 = np.array([[1.0], [-1.0], [1.0], [-1.0], [1.0]])
"""rad; a control step is 100 ms"""


def stopped_for(seconds: float) -> Callable[[ServoSide], object]:
    async def inject(side: ServoSide) -> None:
        os.kill(side.client.process_id, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(side.client.process_id, signal.SIGCONT)

    return inject


async def hogs_on_both_cores(side: ServoSide) -> None:
    hogs = [subprocess.Popen([sys.executable, "-c", HOG]) for _ in range(2)]
    await asyncio.sleep(3 * LASTS_S)
    for hog in hogs:
        hog.wait()


async def chunks_stop(side: ServoSide) -> None:
    side.feeding = False
    await asyncio.sleep(1.5 * LASTS_S)
    side.feeding = True


def spoilt(change: Callable[[Float64], Float64]) -> Callable[[ServoSide], object]:
    def spoil(chunk: ActionChunk) -> ActionChunk:
        return replace(chunk, positions=change(chunk.positions.copy()))

    async def inject(side: ServoSide) -> None:
        side.spoil = spoil
        await asyncio.sleep(1.5 * LASTS_S)
        side.spoil = lambda chunk: chunk

    return inject


async def scribbled(side: ServoSide) -> None:
    side.feeding = False
    (directory,) = running_servos()
    noise = np.random.default_rng(1)
    with (directory.path / CHUNK_FILE).open("r+b") as memory:
        size = os.fstat(memory.fileno()).st_size
        for _ in range(100):
            memory.seek(HEADER_BYTES)
            memory.write(noise.bytes(size - HEADER_BYTES))
            memory.flush()
            await asyncio.sleep(0.01)
    side.feeding = True


def case(name: str, expected: Expected, inject: Callable[[ServoSide], object], within_ms: float = 1500.0) -> ServoCase:
    return ServoCase("Host", name, expected, inject, within_ms)  # type: ignore[arg-type]


CASES = (
    case("servo process stopped for 300 ms (SIGSTOP, SIGCONT)", Expected.RECOVERS, stopped_for(0.3)),
    case("servo process stopped for 2 s", Expected.RECOVERS, stopped_for(2.0), 4000.0),
    case("chunks stop", Expected.HOLDS, chunks_stop),
    case("chunks that are not finite", Expected.HOLDS, spoilt(lambda rows: rows * np.nan)),
    case("goals far outside the range", Expected.GOES_ON, spoilt(lambda rows: rows + 40.0)),
    case("goals that jump to and fro", Expected.GOES_ON, spoilt(lambda rows: rows + TO_AND_FRO)),
    case("chunk memory scribbled over", Expected.HOLDS, scribbled),
)
HEAVY = (case("both cores hogged", Expected.GOES_ON, hogs_on_both_cores),)
"""Too much for a machine that runs other tests at the same time."""

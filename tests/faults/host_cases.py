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
from tests.faults import troubled_servo
from tests.faults.servo_side import Expected, ServoCase, ServoSide

HEADER_BYTES = 16
LASTS_S = 1.0
HOG = f"import time; end = time.monotonic() + {2 * LASTS_S}\nwhile time.monotonic() < end: pass"
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
    await asyncio.sleep(2 * LASTS_S)
    for hog in hogs:
        hog.wait()


async def garbage_storm(side: ServoSide) -> None:
    before = side.client.telemetry().deadline_misses
    os.kill(side.client.process_id, troubled_servo.STORM)
    await asyncio.sleep(LASTS_S)
    await side.until(lambda: side.client.telemetry().deadline_misses > before)


async def clock_stepped_to_and_fro(side: ServoSide) -> None:
    for _ in range(2):
        os.kill(side.client.process_id, troubled_servo.CLOCK)
        await asyncio.sleep(LASTS_S / 2)


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


def case(
    name: str,
    expected: Expected,
    inject: Callable[[ServoSide], object],
    within_ms: float = 1500.0,
    module: str | None = None,
) -> ServoCase:
    return ServoCase("Host", name, expected, inject, within_ms, module)  # type: ignore[arg-type]


def from_within(name: str, inject: Callable[[ServoSide], object]) -> ServoCase:
    return case(name, Expected.GOES_ON, inject, module=troubled_servo.__name__)


CASES = (
    case("servo process stopped for 300 ms (SIGSTOP, SIGCONT)", Expected.RECOVERS, stopped_for(0.3)),
    case("servo process stopped for 2 s", Expected.RECOVERS, stopped_for(2.0), 4000.0),
    case("both cores hogged", Expected.GOES_ON, hogs_on_both_cores),
    from_within("garbage-collection storm in the servo process", garbage_storm),
    from_within("the servo process's wall clock an hour ahead, then an hour back", clock_stepped_to_and_fro),
    case("chunks stop", Expected.HOLDS, chunks_stop),
    case("chunks that are not finite", Expected.HOLDS, spoilt(lambda rows: rows * np.nan)),
    case("goals far outside the range", Expected.GOES_ON, spoilt(lambda rows: rows + 40.0)),
    case("goals that jump to and fro", Expected.GOES_ON, spoilt(lambda rows: rows + TO_AND_FRO)),
    case("chunk memory scribbled over", Expected.HOLDS, scribbled),
)

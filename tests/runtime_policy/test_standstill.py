"""A loop that stands still notices it; after a pause nothing is acted on that was seen before it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import Any

import pytest

from benchmarks.timed.virtual_time import run_in_virtual_time
from libra_edge.clock import MonotonicClock, SimulatedClock
from libra_edge.errors import ModelHangsError
from libra_edge.messages import Float64, Observation
from libra_edge.runtime import model_call
from libra_edge.runtime.loop_watch import BEAT_S, NOTICED_NS, LoopWatch
from libra_edge.runtime.model_call import answer_of
from libra_edge.runtime.policy_loop import run_policy
from libra_edge.runtime.run_state import PAUSE_NS
from tests.runtime_policy.fakes import FakeRefiner, a_spec
from tests.runtime_policy.test_policy_loop import FakeServo, a_run


@pytest.mark.parametrize("late_ns", [0, NOTICED_NS - 1, NOTICED_NS, 3_000_000_000])
def test_each_standstill_is_reported_once_with_its_length(late_ns: int) -> None:
    clock, blocks = SimulatedClock(10**9), list[int]()
    watch = LoopWatch(clock, blocks.append)

    async def main() -> None:
        beating = asyncio.create_task(watch.run())
        await asyncio.sleep(0)
        clock.advance(round(BEAT_S * 1e9) + late_ns)
        watch.look()
        watch.look()
        await asyncio.sleep(10 * BEAT_S)
        beating.cancel()

    run_in_virtual_time(clock, main())
    assert blocks == ([late_ns] if late_ns >= NOTICED_NS else [])


def test_a_watch_that_has_not_begun_says_nothing() -> None:
    clock, blocks = SimulatedClock(), list[int]()
    watch = LoopWatch(clock, blocks.append)
    watch.look()
    clock.advance(10**10)
    watch.look()
    assert blocks == []


class BlockingRefiner(FakeRefiner):
    """Notes what it was shown; the servo blocks the loop from elsewhere."""

    def __init__(self) -> None:
        super().__init__(a_spec())
        self.seen_ns: list[int] = []

    def refine(self, observation: Observation, *arguments: Any) -> Float64:
        self.seen_ns.append(observation.captured_ns)
        return super().refine(observation, *arguments)


@pytest.mark.parametrize("length_ns", [300_000_000, PAUSE_NS + 700_000_000])
def test_after_a_pause_the_first_chunk_is_made_from_what_was_seen_after_it(length_ns: int) -> None:
    servo, refiner, ended = FakeServo(), BlockingRefiner(), list[tuple[int, int]]()

    def finished() -> str | None:
        if servo.chunks and not ended:
            time.sleep(length_ns / 1e9)  # nothing runs on the loop meanwhile, as while the process is stopped
            ended.append((MonotonicClock().now_ns(), len(servo.chunks)))
        return "enough" if ended and len(servo.chunks) > ended[0][1] + 1 else None

    run = a_run(servo, finished, refiner=refiner)
    assert asyncio.run(run_policy(run)) == "enough"
    over_ns, before = ended[0]
    told = [fault for fault in run.log.faults if "stood still" in fault.kind]
    assert len(told) >= 1
    if length_ns >= PAUSE_NS:
        assert told[0].reaction == "what was seen and planned before is thrown away"
        assert all(chunk.captured_ns >= over_ns for chunk in servo.chunks[before:])
    else:
        assert told[0].reaction == "goes on"


def test_a_call_that_takes_long_is_told_of_once_and_one_that_hangs_is_given_up() -> None:
    clock, told = SimulatedClock(), list[str]()

    async def ask(seconds: float) -> str:
        async def call() -> str:
            await asyncio.sleep(seconds)
            return "answer"

        return await answer_of(call(), "planner", slow_after_s=1.0, on_slow=told.append)

    assert run_in_virtual_time(clock, ask(0.9)) == "answer"
    assert told == []
    assert run_in_virtual_time(clock, ask(9.9)) == "answer"
    assert told == ["the planner has given no answer for 1.0 s"]
    with pytest.raises(ModelHangsError, match="planner: it hangs, no answer for 10 s"):
        run_in_virtual_time(clock, ask(model_call.PATIENCE_S + 1))


HANGING = """
import sys, threading
import uvloop
from libra_edge.errors import ModelHangsError
from libra_edge.runtime import model_call
from libra_edge.runtime.worker_thread import WorkerThread

model_call.PATIENCE_S = 0.2

async def main():
    call = WorkerThread("planner").run(threading.Event().wait)
    await model_call.answer_of(call, "planner", slow_after_s=0.1, on_slow=print)

try:
    uvloop.run(main())
except ModelHangsError as error:
    sys.exit(error.exit_code)
"""


def test_a_process_ends_with_code_3_although_a_thread_of_it_hangs_for_good() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (3, "the planner has given no answer for 0.1 s\n"), ended.stderr

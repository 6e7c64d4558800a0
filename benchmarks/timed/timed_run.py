"""The real planner stream and refiner stream at work on timed engines, under a virtual clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np

from benchmarks.timed.shared_gpu import SharedGpu
from benchmarks.timed.stand_ins import (
    CHUNK_STEPS,
    ROBOT,
    SilentServo,
    TimedPlanner,
    TimedRefiner,
    a_spec,
    an_observation,
)
from benchmarks.timed.timed_worker import Call, Workshop
from benchmarks.timed.virtual_time import run_in_virtual_time
from libra_edge.clock import SimulatedClock
from libra_edge.runtime import planner_stream, refiner_stream
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.planner_stream import PlannerStream
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.refiner_stream import RefinerStream
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.sight import Sight

FRAME_S = 1 / 30
BEGIN_NS = 7_000_000_000


@dataclass(frozen=True, slots=True)
class Setting:
    """One run.

    Attributes:
        refinements: M, refiner calls that a plan must serve for.
        plan_every_steps: P, control steps between the beginnings of two plans, in async mode.
        contention: 0 (none) to 1 (one GPU's work is conserved).
    """

    mode: Mode
    refinements: int
    contention: float = 0.0
    plan_every_steps: int = 1
    planner_ms: float = 60.0
    refiner_ms: float = 92.0
    rate_hz: float = 10.0
    seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run leaves: calls after the warm-up in the order in which they ended, and the age of each chunk's plan."""

    setting: Setting
    calls: tuple[Call, ...]
    plan_ages: tuple[int, ...]
    faults: tuple[str, ...]

    def milliseconds(self, system: str) -> list[float]:
        """What each call of `system` took."""
        return [call.milliseconds for call in self.calls if call.system == system]

    @property
    def amortised_ms(self) -> float:
        """All the time in both systems, shared out among the chunks: what the paper calls average latency."""
        refiner_ms = self.milliseconds("refiner")
        return (sum(self.milliseconds("planner")) + sum(refiner_ms)) / len(refiner_ms)

    @property
    def new_plan_ms(self) -> list[tuple[float, float]]:
        """Each chunk right after a plan: time in both systems, and time from asking for the plan to the chunk.

        The second one is longer: the chunk waits for a control step to begin.
        """
        pairs = zip(self.calls, self.calls[1:], strict=False)
        return [
            (plan.milliseconds + chunk.milliseconds, (chunk.ended_ns - plan.began_ns) / 1e6)
            for plan, chunk in pairs
            if (plan.system, chunk.system) == ("planner", "refiner")
        ]


def play(setting: Setting) -> Outcome:
    """Run both streams in virtual time."""
    clock = SimulatedClock(BEGIN_NS)
    run = _a_run(setting, clock)
    work_ns = {"planner": round(setting.planner_ms * 1e6), "refiner": round(setting.refiner_ms * 1e6)}
    calls = run_in_virtual_time(clock, _drive(run, SharedGpu(setting.contention), work_ns, setting.seconds))
    return Outcome(setting, calls, tuple(run.log.plan_ages), tuple(fault.kind for fault in run.log.faults))


def _a_run(setting: Setting, clock: SimulatedClock) -> Run:
    spare_chunks = 1 if setting.mode is Mode.ASYNC else 0  # a plan that the arm does not wait for loses tokens
    oldest = (setting.refinements - 1) * CHUNK_STEPS + spare_chunks * (CHUNK_STEPS - 1)
    spec = a_spec(setting.rate_hz, setting.refinements + spare_chunks, oldest)
    servo = SilentServo(clock)
    words = np.ones((1, 8), np.int64)
    policy = Policy(TimedPlanner(spec), TimedRefiner(spec), spec, words, clock=clock, seed=1)
    sight = Sight({camera.name: 333_000_000 for camera in ROBOT.camera}, servo.joint_state, clock)
    log = RunLog(clock, ROBOT.joint_names, LimitCheck(ROBOT))
    return Run(policy, [], sight, servo, log, clock, lambda: None, setting.mode, setting.plan_every_steps)


async def _drive(run: Run, gpu: SharedGpu, work_ns: dict[str, int], seconds: float) -> tuple[Call, ...]:
    assert isinstance(run.clock, SimulatedClock)
    workshop = Workshop(run.clock, gpu, work_ns)
    pictures = asyncio.create_task(_show_pictures(run))
    await asyncio.sleep(FRAME_S / 2)
    with (
        patch.object(planner_stream, "WorkerThread", workshop.worker),
        patch.object(refiner_stream, "WorkerThread", workshop.worker),
    ):
        planner, refiner = PlannerStream(run), RefinerStream(run)
    observation = run.sight.look()
    assert not isinstance(observation, str), observation
    await refiner.warm_up(observation, await planner.warm_up(observation))
    workshop.calls.clear()
    await run.start()
    streams = [asyncio.create_task(planner.run()), asyncio.create_task(refiner.run(planner))]
    broken, _ = await asyncio.wait(streams, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    calls = tuple(workshop.calls)
    for task in (pictures, *streams):
        task.cancel()
    await asyncio.gather(pictures, *streams, return_exceptions=True)
    for task in broken:
        task.result()
    return calls


async def _show_pictures(run: Run) -> None:
    number = 0
    while True:
        for frame in an_observation(number, run.clock.now_ns()).frames.values():
            run.sight.show(frame)
        number += 1
        await asyncio.sleep(FRAME_S)

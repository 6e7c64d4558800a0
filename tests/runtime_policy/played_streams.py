"""Plays both streams of a run under a virtual clock, with calls that take as long as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.timed.virtual_time import run_in_virtual_time
from libra_edge.clock import SimulatedClock
from libra_edge.messages import ActionChunk, JointState
from libra_edge.runtime import planner_stream, refiner_stream
from libra_edge.runtime.command import Command
from libra_edge.runtime.control_socket import Reply, Request
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.planner_stream import PlannerStream
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.refiner_stream import RefinerStream
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.sight import Sight
from libra_edge.runtime.supervisor import State
from tests.runtime_policy.fakes import POSE, ROBOT, FakePlanner, FakeRefiner, a_spec, an_observation
from tests.runtime_policy.virtual_time import VirtualWorker

FRAME_S = 1 / 15


@dataclass
class FakeServo:
    """Takes chunks and notes when they came."""

    clock: SimulatedClock
    chunks: list[ActionChunk] = field(default_factory=list)
    arrived_ns: list[int] = field(default_factory=list)
    exit_code: int | None = None

    def send_chunk(self, chunk: ActionChunk) -> None:
        self.chunks.append(chunk)
        self.arrived_ns.append(self.clock.now_ns())

    def joint_state(self) -> JointState:
        return JointState(POSE.copy(), np.zeros(6), self.clock.now_ns())

    def telemetry(self) -> ServoTelemetry:
        return ServoTelemetry(self.clock.now_ns(), State.RUNNING)

    def drain_commands(self) -> list[Command]:
        return []

    async def request(self, request: Request) -> Reply:
        return Reply(State.RUNNING)


@dataclass
class Played:
    """What a played run leaves."""

    run: Run
    servo: FakeServo
    refiner: FakeRefiner

    @property
    def first_steps(self) -> list[int]:
        return [chunk.first_step for chunk in self.servo.chunks]

    @property
    def lead_ms(self) -> list[float]:
        """How long before its control step each chunk was there."""
        pairs = zip(self.servo.chunks, self.servo.arrived_ns, strict=True)
        begin = self.run.policy.steps.start_of
        return [(begin(chunk.first_step) - arrived) / 1e6 for chunk, arrived in pairs]


def play(
    *,
    planner: list[float | None],
    refiner: list[float | None],
    seconds: float = 5.0,
    mode: Mode = Mode.ASYNC,
    every: int = 1,
    seen: Callable[[float], bool] = lambda _time: True,
    spec: Any = None,
    systems: tuple[Any, Any] | None = None,
    max_frame_age_ns: int = 333_000_000,
    pause: tuple[float, float] | None = None,
    max_plan_age: int | None = None,
) -> Played:
    """Run both streams for `seconds`; calls take as long as listed (the first three of each are warm-up).

    `pause`: when in the run nothing of it runs, and for how long, seconds.
    """
    VirtualWorker.seconds = {"planner": planner, "refiner": refiner}
    spec = spec or a_spec()
    clock = SimulatedClock(7_000_000_000)
    fake_planner, fake_refiner = systems or (FakePlanner(spec), FakeRefiner(spec))
    servo = FakeServo(clock)
    policy = Policy(fake_planner, fake_refiner, spec, np.ones((1, 8), np.int64), clock=clock, seed=1)
    if max_plan_age is not None:
        policy.buffer.tighten(max_plan_age)
    sight = Sight({camera.name: max_frame_age_ns for camera in ROBOT.camera}, servo.joint_state, clock)
    log = RunLog(clock, ROBOT.joint_names, LimitCheck(ROBOT))
    run = Run(policy, [], sight, servo, log, clock, lambda: None, mode, every)
    with (
        patch.object(planner_stream, "WorkerThread", VirtualWorker),
        patch.object(refiner_stream, "WorkerThread", VirtualWorker),
    ):
        run_in_virtual_time(clock, _both_streams(run, _pictures(run, seen), _pause(clock, pause), seconds))
    return Played(run, servo, fake_refiner)


async def _both_streams(
    run: Run, pictures: Coroutine[Any, Any, None], pause: Coroutine[Any, Any, None], seconds: float
) -> None:
    """Until one of them ends. Raises what it raised."""
    showing = asyncio.create_task(pictures)
    plans, chunks = PlannerStream(run), RefinerStream(run)
    await asyncio.sleep(0.01)
    observation = run.sight.look()
    assert not isinstance(observation, str)
    await chunks.warm_up(observation, await plans.warm_up(observation))
    await run.start()
    coroutines = (plans.run(), chunks.run(plans), run.loop_watch.run(), pause)
    parts = [asyncio.create_task(coroutine) for coroutine in coroutines]
    done, _ = await asyncio.wait(parts, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in (showing, *parts):
        task.cancel()
    await asyncio.gather(showing, *parts, return_exceptions=True)
    for task in done:
        task.result()


async def _pictures(run: Run, seen: Callable[[float], bool]) -> None:
    """Show the cameras' pictures as long as they are `seen`, at their rate."""
    number = 0
    while True:
        if seen(run.log.seconds):
            for frame in an_observation(time_ns=run.clock.now_ns(), number=number).frames.values():
                run.sight.show(frame)
        number += 1
        await asyncio.sleep(FRAME_S)


async def _pause(clock: SimulatedClock, pause: tuple[float, float] | None) -> None:
    if pause is not None:
        await asyncio.sleep(pause[0])
        clock.advance(round(pause[1] * 1e9))
    await asyncio.Event().wait()

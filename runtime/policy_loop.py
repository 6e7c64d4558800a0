"""The policy process at work: everything at once, and nothing waits for anything slower than itself.

camera threads ---> sight ---> planner stream ---> intent buffer
                      |                                |
                      +----> refiner stream <----------+
                                   |
                             action chunk ---> servo process ---> commands ---> recorder
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from typing import Any

import numpy as np

from libra_edge.errors import CameraError, ProcessError
from libra_edge.messages import Frame, JointState, Observation
from libra_edge.runtime.camera_thread import CameraReport, camera_threads
from libra_edge.runtime.planner_stream import PlannerStream
from libra_edge.runtime.refiner_stream import RefinerStream
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.servo_news import ServoNews
from libra_edge.runtime.supervisor import State

LOOK_EVERY_S = 0.02
FIRST_SIGHT_S = 10.0
BLIND_S = 10.0
"""An arm that has held so long for want of pictures needs somebody to look after it."""
SERVO_SILENT_NS = 500_000_000


async def run_policy(run: Run) -> str:
    """Drive the arm until the run is finished; returns why it ended.

    Raises CameraError if nothing is seen for ten seconds, EngineError if a system hangs or keeps failing, ProcessError
    if the servo process fails. The arm is left to the servo process in any case.
    """
    planner, refiner = PlannerStream(run), RefinerStream(run)
    with closing(planner), closing(refiner), camera_threads(run.cameras, run.camera_hz, _OnTheLoop(run)) as pictures:
        run.pictures = pictures
        observation = await _first_sight(run)
        await refiner.warm_up(observation, await planner.warm_up(observation))
        await run.start()
        return await _first_of(
            planner.run(),  # pictures -> plan -> intent buffer
            refiner.run(planner),  # pictures, joints, tokens -> chunk -> servo process
            _copy_commands(run),  # servo process -> recorder
            _end_of_run(run),  # time is up, task done, stopped, or a servo process in trouble
            _end_if_blind(run),  # a camera shows nothing for too long
            run.loop_watch.run(),  # did this loop stand still?
        )


class _OnTheLoop:
    """What the camera threads say, carried over to the event loop."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._loop = asyncio.get_running_loop()

    def frame(self, frame: Frame) -> None:
        self._hand_over(self._run.show, frame)

    def report(self, report: CameraReport) -> None:
        self._hand_over(self._run.hear, report)

    def _hand_over(self, take: Callable[..., None], what: Frame | CameraReport) -> None:
        with suppress(RuntimeError):  # a camera that hung until after the loop was closed
            self._loop.call_soon_threadsafe(take, what)


async def _first_sight(run: Run) -> Observation:
    """What is seen first. Raises CameraError if that takes too long."""
    deadline_ns = run.clock.now_ns() + round(FIRST_SIGHT_S * 1e9)
    while isinstance(seen := run.sight.look(), str):
        if run.clock.now_ns() > deadline_ns:
            raise CameraError(", ".join(camera.name for camera in run.cameras), f"{seen}; check cable and power")
        await asyncio.sleep(LOOK_EVERY_S)
    return seen


async def _copy_commands(run: Run) -> None:
    """Take over what the servo process wrote to the arm."""
    while True:
        for command in run.servo.drain_commands():
            run.log.command(command)
            run.sight.remember(JointState(command.measured.copy(), np.zeros_like(command.measured), command.time_ns))
        await asyncio.sleep(LOOK_EVERY_S)


async def _end_of_run(run: Run) -> str:
    """Wait for a reason to end. Raises ProcessError if the servo process gives it."""
    news = ServoNews(run.servo.telemetry())
    while True:
        telemetry = run.telemetry = run.servo.telemetry()
        news.tell(telemetry, run.log)
        if telemetry.state is State.FAULT:
            raise ProcessError(f"the servo process has stopped the arm: {telemetry.fault}")
        if telemetry.state in {State.STOPPING, State.OFF}:
            return "stopped from outside"
        if run.servo.exit_code is not None:
            raise ProcessError(
                f"the servo process died (code {run.servo.exit_code}); the servos' watchdog stops the arm"
            )
        silent_ns = run.clock.now_ns() - telemetry.time_ns
        if silent_ns > SERVO_SILENT_NS:
            raise ProcessError(f"the servo process is silent for {silent_ns / 1e9:.1f} s; the watchdog stops the arm")
        if (reason := run.finished()) is not None:
            return reason
        await asyncio.sleep(LOOK_EVERY_S)


async def _end_if_blind(run: Run) -> None:
    """Raises CameraError once a camera has shown nothing good enough for BLIND_S."""
    seen_ns = run.clock.now_ns()
    while True:
        now_ns = run.clock.now_ns()
        blind = run.sight.blind_camera(now_ns)
        if blind is None:
            seen_ns = now_ns
        elif now_ns - seen_ns > BLIND_S * 1e9:
            camera, clause = blind
            raise CameraError(camera, f"{clause}; nothing to act on for {BLIND_S:.0f} s, check lens, cable and power")
        await asyncio.sleep(LOOK_EVERY_S)


async def _first_of(*parts: Coroutine[Any, Any, str | None]) -> str:
    """Run all parts; when the first one ends, end the others and return what it returned or raise what it raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return next(result for task in tasks if task in done and (result := task.result()) is not None)

"""The policy process with real threads and a real event loop; the servo process, cameras and systems stand in."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from libra_edge.clock import MonotonicClock
from libra_edge.errors import CameraError, EngineError, ProcessError
from libra_edge.messages import ActionChunk, Float64, Frame, JointState
from libra_edge.runtime import policy_loop
from libra_edge.runtime.command import Command
from libra_edge.runtime.control_socket import Reply, Request
from libra_edge.runtime.governor import Verdict
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.policy_loop import run_policy
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.sight import Sight
from libra_edge.runtime.supervisor import State
from libra_edge.runtime.worker_thread import WorkerThread
from tests.runtime_policy.fakes import POSE, ROBOT, FakePlanner, FakeRefiner, a_spec

CLOCK = MonotonicClock()


class FakeCamera:
    """Shows a grey picture whenever it is asked; fails or stays dark when told to."""

    def __init__(self, name: str, height: int, width: int) -> None:
        self.name = name
        self.failures = 0
        self.dark = False
        self._image = np.full((height, width, 3), 128, np.uint8)
        self._number = 0
        self._pace = threading.Event()

    def open(self) -> None:
        pass

    def read(self, timeout_s: float) -> Frame:
        self._pace.wait(0.01)
        if self.failures or self.dark:
            self.failures = max(0, self.failures - 1)
            raise CameraError(self.name, "no frame")
        self._number += 1
        return Frame(self.name, self._image.copy(), self._number, CLOCK.now_ns())

    def close(self) -> None:
        pass


@dataclass
class FakeServo:
    """A servo process that follows every chunk at once."""

    state: State = State.RUNNING
    fault: str = ""
    accepts: bool = True
    silent: bool = False
    exit_code: int | None = None
    chunks: list[ActionChunk] = field(default_factory=list)
    commands: queue.SimpleQueue[Command] = field(default_factory=queue.SimpleQueue)
    asked: list[Request] = field(default_factory=list)

    def send_chunk(self, chunk: ActionChunk) -> None:
        self.chunks.append(chunk)
        verdict = Verdict(np.zeros(6, np.uint8))
        age, captured_ns = chunk.plan_age_steps, chunk.captured_ns
        number, time_ns = len(self.chunks), CLOCK.now_ns()
        self.commands.put(
            Command(number, time_ns, POSE.copy(), POSE.copy(), chunk.chunk_id, age, captured_ns, verdict, self.state, 0)
        )

    def joint_state(self) -> JointState:
        return JointState(POSE.copy(), np.zeros(6), CLOCK.now_ns())

    def telemetry(self) -> ServoTelemetry:
        time_ns = 0 if self.silent else CLOCK.now_ns()
        return ServoTelemetry(time_ns, self.state, fault=self.fault)

    def drain_commands(self) -> list[Command]:
        return [self.commands.get() for _ in range(self.commands.qsize())]

    async def request(self, request: Request) -> Reply:
        self.asked.append(request)
        return Reply(self.state, self.accepts, "" if self.accepts else "a fault was found")


def a_run(
    servo: FakeServo,
    finished: Callable[[], str | None],
    *,
    refiner: FakeRefiner | None = None,
    max_frame_age_ns: int = 5_000_000_000,
) -> Run:
    spec = a_spec()
    cameras = [FakeCamera(camera.name, camera.height, camera.width) for camera in ROBOT.camera]
    policy = Policy(
        FakePlanner(spec), refiner or FakeRefiner(spec), spec, np.ones((1, 8), np.int64), clock=CLOCK, seed=1
    )
    ages = dict.fromkeys([camera.name for camera in cameras], max_frame_age_ns)
    sight = Sight(ages, servo.joint_state, CLOCK)
    log = RunLog(CLOCK, ROBOT.joint_names, LimitCheck(ROBOT))
    return Run(policy, cameras, sight, servo, log, CLOCK, finished)


def test_pictures_become_chunks_and_commands_come_back() -> None:
    servo = FakeServo()
    run = a_run(servo, lambda: "enough" if run.log.capture_to_command_ms.summary()["n"] else None)
    assert asyncio.run(run_policy(run)) == "enough"
    assert servo.asked == [Request.START]
    assert servo.chunks[0].positions.shape == (5, 6)
    assert run.log.plans >= 1
    assert run.log.chunks == len(servo.chunks)
    assert run.log.planner_ms.summary()["n"] == run.log.plans


def test_a_camera_that_fails_for_a_while_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    servo = FakeServo()
    run = a_run(servo, lambda: "enough" if servo.chunks and "is back" in caplog.text else None)
    camera = run.cameras[0]
    assert isinstance(camera, FakeCamera)
    camera.failures = 2
    assert asyncio.run(run_policy(run)) == "enough"
    lines = [record.message for record in caplog.records]
    assert sum("'front': no frame" in line for line in lines) == 1
    assert sum("'front' is back" in line for line in lines) == 1


def test_cameras_that_never_show_anything_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_loop, "FIRST_SIGHT_S", 0.05)
    run = a_run(FakeServo(), lambda: None)
    for camera in run.cameras:
        assert isinstance(camera, FakeCamera)
        camera.dark = True
    with pytest.raises(CameraError, match="has shown nothing yet"):
        asyncio.run(run_policy(run))


def test_a_run_that_sees_nothing_any_more_holds_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_loop, "BLIND_S", 0.2)
    servo = FakeServo()

    def darken() -> None:
        if servo.chunks:
            for camera in run.cameras:
                assert isinstance(camera, FakeCamera)
                camera.dark = True

    run = a_run(servo, darken, max_frame_age_ns=200_000_000)
    with pytest.raises(CameraError, match=r"'front': shows nothing newer than .* ms ago; nothing to act on for 0 s"):
        asyncio.run(run_policy(run))
    assert any("no frame" in fault.kind for fault in run.log.faults)


@pytest.mark.parametrize(
    ("servo", "complaint"),
    [
        (FakeServo(state=State.FAULT, fault="the bus failed"), "stopped the arm: the bus failed"),
        (FakeServo(silent=True), "is silent for"),
        (FakeServo(exit_code=-9), "died .code -9"),
        (FakeServo(accepts=False), "does not start: a fault was found"),
    ],
)
def test_a_servo_process_in_trouble_ends_the_run(servo: FakeServo, complaint: str) -> None:
    with pytest.raises(ProcessError, match=complaint):
        asyncio.run(run_policy(a_run(servo, lambda: None)))


@pytest.mark.parametrize("state", [State.STOPPING, State.OFF])
def test_a_stop_from_outside_ends_the_run(state: State) -> None:
    assert asyncio.run(run_policy(a_run(FakeServo(state=state), lambda: None))) == "stopped from outside"


def test_an_engine_that_fails_from_the_start_ends_the_run_and_leaves_no_thread() -> None:
    class Broken(FakeRefiner):
        def refine(self, *_arguments: object) -> Float64:
            raise EngineError("refiner", "out of memory")

    before = set(threading.enumerate())
    with pytest.raises(EngineError, match="out of memory"):
        asyncio.run(run_policy(a_run(FakeServo(), lambda: None, refiner=Broken(a_spec()))))
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_a_worker_thread_hands_over_results_and_errors_in_order() -> None:
    async def main() -> list[object]:
        worker = WorkerThread("test")
        numbers = await asyncio.gather(*(worker.run(lambda n=n: n * n) for n in range(5)))  # type: ignore[misc]
        with pytest.raises(ZeroDivisionError):
            await worker.run(lambda: 1 / 0)
        names = await worker.run(lambda: threading.current_thread().name)
        worker.close()
        return [*numbers, names]

    assert asyncio.run(main()) == [0, 1, 4, 9, 16, "test"]


def test_a_hung_call_does_not_keep_the_event_loop_from_ending() -> None:
    released = threading.Event()

    async def main() -> None:
        worker = WorkerThread("hangs")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(worker.run(released.wait), 0.01)
        worker.close()

    asyncio.run(main())
    hung = next(thread for thread in threading.enumerate() if thread.name == "hangs")
    assert hung.daemon
    released.set()
    hung.join(timeout=10)

"""A session always ends with the arm parked: after success, after a fault of either process, after a late start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from libra_edge.cli import run_session as session_module
from libra_edge.cli.run_hardware import RunHardware
from libra_edge.cli.run_session import Session, SessionOptions, run_session
from libra_edge.clock import MonotonicClock
from libra_edge.errors import EngineError, MissingHardwareError, ProcessError, RuntimeFault
from libra_edge.messages import JointState
from libra_edge.runtime.command import Command
from libra_edge.runtime.governor import Verdict
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.schedule import Mode
from libra_edge.runtime.servo_loop import OnExit
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.supervisor import State
from tests.runtime_policy.fakes import POSE, ROBOT, FakePlanner, FakeRefiner, a_spec

CLOCK = MonotonicClock()


@dataclass
class FakeClient:
    """A servo process that notes how it was closed."""

    state: State = State.READY
    close_fault: RuntimeFault | None = None
    patience: list[float] = field(default_factory=list)

    async def wait_for(self, *_states: State, patience_s: float) -> State:
        return self.state

    async def close(self, patience_s: float) -> int:
        self.patience.append(patience_s)
        if self.close_fault is not None:
            raise self.close_fault
        return 0

    def joint_state(self) -> JointState:
        return JointState(POSE.copy(), np.zeros(6), CLOCK.now_ns())

    def telemetry(self) -> ServoTelemetry:
        return ServoTelemetry(CLOCK.now_ns(), State.OFF, ticks=77)

    def drain_commands(self) -> list[Command]:
        verdict = Verdict(np.zeros(6, np.uint8))
        return [Command(0, CLOCK.now_ns(), POSE, POSE, None, None, None, verdict, State.STOPPING, 0)]


def play(client: FakeClient, monkeypatch: pytest.MonkeyPatch, drive: Callable[[Any], str]) -> Session:
    """One session in which `drive` stands in for the policy loop."""

    async def launch(arguments: list[str], *, joints: int) -> FakeClient:
        assert arguments == ["--robot", "koch-sim", "--port", "/dev/pts/9", "--on-exit", "rest"]
        assert joints == 6
        return client

    async def run_policy(run: Any) -> str:
        return drive(run)

    monkeypatch.setattr("libra_edge.runtime.servo_client.ServoClient.launch", launch)
    monkeypatch.setattr(session_module, "run_policy", run_policy)
    spec = a_spec()
    policy = Policy(FakePlanner(spec), FakeRefiner(spec), spec, np.ones((1, 8), np.int64), clock=CLOCK, seed=0)
    log = RunLog(CLOCK, ROBOT.joint_names, LimitCheck(ROBOT))
    options = SessionOptions("koch-sim", "touch the red cube", 5.0, Mode.ASYNC, OnExit.REST, status=False)
    return asyncio.run(run_session(policy, ROBOT, RunHardware("/dev/pts/9", [], None), log, options))


def failing(error: Exception) -> Callable[[Any], str]:
    def drive(_run: Any) -> str:
        raise error

    return drive


def test_after_the_run_the_arm_is_parked_and_the_last_commands_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient()
    session = play(client, monkeypatch, lambda _run: "time is up")
    assert client.patience == [session_module.PARKING_S]
    assert (session.ended, session.fault) == ("time is up", None)
    assert session.run.telemetry is not None
    assert session.run.telemetry.ticks == 77
    assert not session.run.log.faults


@pytest.mark.parametrize(
    ("fault", "patience_s"),
    [
        (EngineError("refiner", "out of memory"), session_module.PARKING_S),
        (ProcessError("the servo process is silent"), session_module.LAST_WORDS_S),
    ],
)
def test_a_fault_is_reported_and_the_arm_parked_all_the_same(
    monkeypatch: pytest.MonkeyPatch, fault: RuntimeFault, patience_s: float
) -> None:
    client = FakeClient()
    session = play(client, monkeypatch, failing(fault))
    assert client.patience == [patience_s]
    assert session.fault is fault
    assert [report.kind for report in session.run.log.faults] == [str(fault)]


def test_of_two_faults_the_first_is_the_result_and_both_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient(close_fault=ProcessError("the servo process does not end"))
    session = play(client, monkeypatch, failing(EngineError("planner", "gone")))
    assert str(session.fault) == "planner: gone"
    assert len(session.run.log.faults) == 2
    alone = play(client, monkeypatch, lambda _run: "time is up")
    assert str(alone.fault) == "the servo process does not end"


def test_an_error_nobody_expected_parks_the_arm_too(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient()
    with pytest.raises(ZeroDivisionError):
        play(client, monkeypatch, failing(ZeroDivisionError()))
    assert client.patience == [session_module.PARKING_S]


def test_a_stop_during_homing_ends_the_run_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient(state=State.STOPPING)
    session = play(client, monkeypatch, failing(AssertionError("the policy was started")))
    assert session.ended == "stopped before it began"
    assert client.patience == [session_module.PARKING_S]


def test_an_arm_that_is_missing_is_the_callers_business(monkeypatch: pytest.MonkeyPatch) -> None:
    async def launch(*_arguments: Any, **_options: Any) -> None:
        raise MissingHardwareError("no servo answers")

    client = FakeClient()
    monkeypatch.setattr(FakeClient, "wait_for", launch)
    with pytest.raises(MissingHardwareError):
        play(client, monkeypatch, lambda _run: "time is up")

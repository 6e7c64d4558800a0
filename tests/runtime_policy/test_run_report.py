"""What a run tells people and machines: log, summary, live view."""

from __future__ import annotations

import io
import json
import logging
import time

import numpy as np
import pytest
from rich.console import Console

from libra_edge.clock import SimulatedClock
from libra_edge.messages import ActionChunk, JointState
from libra_edge.runtime.command import Command
from libra_edge.runtime.governor import Verdict
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.live_status import live_status
from libra_edge.runtime.policy import Policy
from libra_edge.runtime.run_log import RefineTimes, RunLog
from libra_edge.runtime.run_state import Run
from libra_edge.runtime.run_summary import run_figures, summary_table
from libra_edge.runtime.servo_durations import Durations
from libra_edge.runtime.servo_telemetry import ServoTelemetry
from libra_edge.runtime.sight import Sight
from libra_edge.runtime.supervisor import State
from tests.runtime_policy.fakes import POSE, ROBOT, FakePlanner, FakeRefiner, a_spec, an_observation
from tests.runtime_policy.played_streams import FakeServo

PATIENCE_S = 60.0
"""For what must happen; costs nothing when it does."""
CONTRACT = {
    "seconds",
    "chunks",
    "planner_ms",
    "refiner_ms",
    "refine_ms",
    "capture_to_command_ms",
    "plan_age_steps",
    "servo_hz",
    "servo_lateness_us",
    "deadline_misses",
    "overhead_ms",
    "limits_violated",
    "faults",
}


def a_run() -> Run:
    spec, clock = a_spec(), SimulatedClock(10**9)
    policy = Policy(FakePlanner(spec), FakeRefiner(spec), spec, np.ones((1, 8), np.int64), clock=clock, seed=0)
    log = RunLog(clock, ROBOT.joint_names, LimitCheck(ROBOT), start_ns=10**9)
    sight = Sight({}, lambda: JointState(POSE.copy(), np.zeros(6), 0), clock)
    return Run(policy, [], sight, FakeServo(clock), log, clock, lambda: None)


def a_busy_run() -> Run:
    """Ten seconds: a plan, two chunks, a fault, and a servo process that has ticked at 100 Hz."""
    run = a_run()
    plan = run.policy.make_plan(an_observation(), 0, 0)
    run.log.plan(plan, an_observation(), 30.0)
    for number, age in enumerate((1, 3)):
        chunk = ActionChunk(number, np.zeros((5, 6)), 5, 2 * 10**9, 10**8, 0, age, 10**9)
        run.log.chunk(chunk, an_observation(), RefineTimes(10**9, 10**9 + 18_000_000, 15.0))
    for number in range(4):
        verdict = Verdict(np.zeros(6, np.uint8))
        time_ns = 10**9 + 50_000_000 + number * 10_000_000
        run.log.command(Command(number, time_ns, POSE, POSE, 0, 1, 10**9, verdict, State.RUNNING, 0))
    run.log.hold("camera [front] shows nothing")
    run.log.hold("camera [front] shows nothing")
    lateness = Durations()
    lateness.add(90_000)
    run.first_telemetry = ServoTelemetry(10**9, State.READY, ticks=100)
    run.telemetry = ServoTelemetry(11 * 10**9, State.RUNNING, ticks=1100, deadline_misses=2, lateness=lateness)
    run.clock.advance(10 * 10**9)  # type: ignore[attr-defined]
    run.log.finish()
    return run


def test_the_figures_keep_the_contract_and_are_plain_json() -> None:
    figures = run_figures(a_busy_run())
    assert figures.keys() >= CONTRACT
    json.loads(json.dumps(figures, allow_nan=False))
    assert figures["seconds"] == 10.0
    assert figures["servo_hz"] == 100.0
    assert figures["plan_age_steps"] == {"p50": 1, "p90": 3, "p99": 3, "max": 3, "n": 2}
    assert figures["capture_to_command_ms"]["n"] == 1
    assert figures["capture_to_command_ms"]["p50"] == pytest.approx(50.0, rel=0.011)
    assert figures["refine_ms"]["p50"] == pytest.approx(18.0, rel=0.011)
    assert figures["faults"] == [{"time_s": 0.0, "kind": "camera [front] shows nothing", "reaction": "hold"}]


def test_a_run_in_which_nothing_happened_has_nulls_not_numbers() -> None:
    figures = run_figures(a_run())
    json.loads(json.dumps(figures, allow_nan=False))
    assert figures["servo_hz"] is None
    assert figures["plan_age_steps"] == {"p50": None, "p90": None, "p99": None, "max": None, "n": 0}


@pytest.mark.parametrize("run", [a_run(), a_busy_run()])
def test_the_table_shows_every_figure_and_takes_brackets_for_brackets(run: Run) -> None:
    head = {"robot": "koch-sim", "task": "touch [it]", "success": True, "ended": "task done", "success_s": 1.0}
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(summary_table({**head, **run_figures(run), "recording": "r/[a].mcap", "report": None}))
    shown = console.export_text()
    assert "touch [it]" in shown
    assert "r/[a].mcap" in shown
    assert ("camera [front] shows nothing" in shown) == bool(run.log.faults)


@pytest.mark.parametrize(("success", "word"), [(True, "yes,"), (False, "no,"), (None, "nobody to tell,")])
def test_the_table_says_whether_it_was_done_also_where_nobody_can_tell(success: bool | None, word: str) -> None:
    head = {"robot": "koch", "task": "touch it", "success": success, "ended": "time is up", "success_s": None}
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(summary_table({**head, **run_figures(a_run()), "recording": None, "report": None}))
    assert f"{word} time is up" in console.export_text()


def test_holding_is_said_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = a_run().log
    for _ in range(3):
        log.hold("no plan")
    log.resume()
    log.resume()
    assert [record.message for record in caplog.records] == ["no plan: hold", "moving again"]
    assert log.holding is None


def test_the_view_on_a_terminal_shows_state_rates_and_faults() -> None:
    run = a_busy_run()
    console = Console(width=120, force_terminal=True, record=True, file=io.StringIO())
    with live_status(run, "touch the red cube", 30.0, console):
        pass
    shown = console.export_text()
    for part in ("touch the red cube", "running", "100.0 /s", "camera [front] shows nothing", "3 steps old"):
        assert part in shown


def test_elsewhere_the_status_is_a_log_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("libra_edge.runtime.live_status.SECONDS_A_LINE", 0.001)
    caplog.set_level(logging.INFO)
    with live_status(a_busy_run(), "touch the red cube", 30.0, Console(force_terminal=False, quiet=True)):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and not any("planner" in record.message for record in caplog.records):
            pass
    assert any("planner" in record.message for record in caplog.records)

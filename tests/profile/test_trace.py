"""The trace is one that Perfetto opens: named rows, slices that nest, arrows with both ends, misses marked."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from libra_edge.clock import SimulatedClock
from libra_edge.messages import ActionChunk
from libra_edge.profiling.profile_log import ProfileLog
from libra_edge.profiling.side_by_side import Calls
from libra_edge.profiling.system_calls import DEVICE, Span, SystemCall
from libra_edge.profiling.trace import model_trace, run_trace
from libra_edge.runtime.limit_check import LimitCheck
from tests.profile.made_log import MS, PERIOD, ROBOT, START, made_log, made_side
from tests.runtime_policy.fakes import an_observation

Event = dict[str, Any]


def check_structure(trace: Mapping[str, Any]) -> list[Event]:
    """What Chrome's trace event format asks for, whatever is drawn."""
    events: list[Event] = json.loads(json.dumps(trace, allow_nan=False))["traceEvents"]
    timed = [event for event in events if event["ph"] != "M"]
    assert all(event["ts"] >= 0 for event in timed)
    assert [event["ts"] for event in timed] == sorted(event["ts"] for event in timed)
    rows = {(event["pid"], event["tid"]) for event in timed}
    assert rows == {(e["pid"], e["tid"]) for e in events if e["name"] == "thread_name"} & rows
    assert {row[0] for row in rows} <= {e["pid"] for e in events if e["name"] == "process_name"}
    check_nesting([event for event in timed if event["ph"] == "X"])
    check_flows(timed)
    return timed


def check_nesting(slices: Sequence[Event]) -> None:
    open_until: dict[tuple[int, int], list[float]] = defaultdict(list)
    for event in slices:
        assert event["dur"] > 0
        stack = open_until[(event["pid"], event["tid"])]
        while stack and stack[-1] <= event["ts"] + 1e-6:
            stack.pop()
        end = event["ts"] + event["dur"]
        assert not stack or end <= stack[-1] + 0.002, f"{event['name']} sticks out"
        stack.append(end)


def check_flows(timed: Sequence[Event]) -> None:
    """Every arrow starts once and ends once, forwards, and each of its ends lies within a slice of its row."""
    flows: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for event in timed:
        if event["ph"] in ("s", "t", "f"):
            flows[(event["cat"], event["id"])].append(event)
    for ends in flows.values():
        assert "".join(event["ph"] for event in ends) in ("sf", "stf")
        for end in ends:
            row = (end["pid"], end["tid"])
            slices = (e for e in timed if e["ph"] == "X" and (e["pid"], e["tid"]) == row)
            assert any(e["ts"] <= end["ts"] <= e["ts"] + e["dur"] for e in slices), end
        assert ends[-1]["bp"] == "e"
    assert len({number for _, number in flows}) == len(flows), "no two arrows share a number"


def test_a_run_becomes_a_trace() -> None:
    timed = check_structure(run_trace(made_log(), PERIOD))
    arrows = [event for event in timed if event.get("cat") == "picture to command"]
    assert [event["ph"] for event in arrows] == ["s", "t", "f"] * 2, "two chunks were followed"
    assert len([event for event in timed if event["name"] == "tick"]) == 5
    assert len([event for event in timed if event["name"] == "refiner_step"]) == 15


def test_an_arrow_goes_forwards_even_into_a_tick_that_began_before_the_chunk_was_asked_for() -> None:
    log = made_log()
    tick = log.commands[0].tick
    assert tick is not None
    assert tick.began_ns - 15 * MS < log.chunks_made[0].times.asked_ns
    log.commands[0] = replace(log.commands[0], tick=replace(tick, began_ns=tick.began_ns - 15 * MS))
    check_structure(run_trace(log, PERIOD))


def test_a_chunk_told_of_late_is_drawn_when_it_was_made() -> None:
    """A busy event loop writes things down after they happened; the next chunk may be under way by then."""
    log = made_log()
    made = log.chunks_made.pop(0)
    assert isinstance(log.clock, SimulatedClock)
    log.clock.advance(made.times.sent_ns + 80 * MS)
    log.calls.calls["refiner"].append(made.call)
    chunk = ActionChunk(made.chunk_id, np.zeros((5, 6)), 0, START, 100 * MS, made.plan_id, 0, made.captured_ns)
    log.chunk(chunk, an_observation(), made.times)
    timed = check_structure(run_trace(log, PERIOD))
    (drawn,) = (event for event in timed if event["name"] == f"chunk {made.chunk_id}")
    assert drawn["dur"] == pytest.approx(made.times.refine_ms * 1e3)
    assert drawn["ts"] == pytest.approx((made.times.asked_ns - START) / 1e3 + 200_000)


def test_misses_faults_and_late_chunks_are_marked() -> None:
    timed = check_structure(run_trace(made_log(), PERIOD))
    marks = {event["name"]: event["ts"] for event in timed if event["ph"] == "i"}
    assert set(marks) == {"deadline missed", "chunk late", "fault: <b>something</b>"}
    assert marks["deadline missed"] == pytest.approx(200_000 + 1_405_000)
    assert marks["fault: <b>something</b>"] == pytest.approx(200_000 + 700_000)


def test_a_picture_taken_while_the_last_one_was_on_its_way_does_not_overlap_it() -> None:
    log = made_log()
    for frame in list(log.frames):
        times = {name: getattr(frame, name) + 3 * MS for name in ("captured_ns", "read_ns", "shown_ns")}
        log.frames.append(replace(frame, **times))
    log.frames.sort(key=lambda frame: frame.shown_ns)
    check_structure(run_trace(log, PERIOD))


def test_a_gpu_has_a_row_for_each_stream() -> None:
    log = made_log()
    call = log.chunks_made[0].call
    device = Span(DEVICE, call.began_ns + MS, call.ended_ns - MS)
    on_gpu = SystemCall("refiner", call.began_ns, call.ended_ns, (device,))
    log.chunks_made[0] = replace(log.chunks_made[0], call=on_gpu)
    trace = run_trace(log, PERIOD)
    check_structure(trace)
    names = {event["args"].get("name") for event in trace["traceEvents"] if event["ph"] == "M"}
    assert {"stream planner (low priority)", "stream refiner (high priority)"} <= names


def test_the_systems_without_a_robot_become_a_trace() -> None:
    side = replace(made_side(), alone=Calls())
    timed = check_structure(model_trace(side))
    assert len([event for event in timed if event["name"] == "planner" and event["dur"] > 4500]) == 10


def test_an_empty_run_is_an_empty_trace() -> None:
    empty = ProfileLog(SimulatedClock(), ROBOT.joint_names, LimitCheck(ROBOT), start_ns=START)
    assert check_structure(run_trace(empty, PERIOD)) == []

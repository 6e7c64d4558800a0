"""Camera, model and policy-process faults under the real policy side: the right reaction, and no goal out of limits."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.runtime import model_call, policy_loop
from libra_edge.runtime.servo_directory import running_servos
from libra_edge.runtime.supervisor import State
from tests.dynamixel.bench import emulated
from tests.faults import camera_cases, model_cases
from tests.faults.camera_cases import CameraCase
from tests.faults.model_cases import ModelCase
from tests.faults.policy_outcome import outcome_of, violations_on_the_wire
from tests.faults.policy_process_cases import BLOCKED, BLOCKED_S, pause, policy_process
from tests.faults.policy_side import PolicySide
from tests.faults.policy_troubles import TROUBLES, Trouble
from tests.faults.wire_times import wait_for_standstill

Record = Callable[[str, object], None]
SOON_S = 3.0
"""In place of the 10 s after which a run gives up on a system or a camera."""


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServoBusEmulator]:
    path = Path(tempfile.mkdtemp(prefix="le-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))
    monkeypatch.setenv("TMPDIR", str(path))
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    with emulated() as running:
        yield running
        for directory in running_servos():
            os.kill(directory.owner() or 0, signal.SIGKILL)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that gives up sooner; docs/faults.md is made with the patience that it has."""
    monkeypatch.setattr(model_call, "PATIENCE_S", SOON_S)
    monkeypatch.setattr(policy_loop, "BLIND_S", SOON_S)


@pytest.mark.parametrize("case", camera_cases.CASES, ids=lambda case: case.name)
def test_a_camera_fault(emulator: ServoBusEmulator, case: CameraCase, record_property: Record) -> None:
    side = PolicySide(emulator.port)
    if case.wire_only and not side.cameras[0].through_librealsense:
        pytest.skip("librealsense cannot be loaded here")
    outcome = outcome_of(case, emulator, side)
    record_property("outcome", outcome.row())
    assert (outcome.ended, outcome.exit_code, outcome.violated) == ("task done", 0, 0)
    assert sum(case.word in fault.kind for fault in side.faults) == 1, side.faults
    # A machine that stands still for a moment may make the arm hold as well, and says so in other words.
    held = [fault for fault in side.faults if fault.reaction == "hold" and "camera 'front'" in fault.kind]
    assert not case.blinding or (len(held) == 1 and outcome.stood_ms is not None), side.faults
    assert outcome.moved_ms is not None


@pytest.mark.usefixtures("impatient")
def test_a_run_that_stays_blind_holds_and_ends(emulator: ServoBusEmulator, record_property: Record) -> None:
    side = PolicySide(emulator.port)
    outcome = outcome_of(camera_cases.BLIND_FOR_GOOD, emulator, side)
    record_property("outcome", outcome.row())
    assert (outcome.ended, outcome.exit_code, outcome.violated) == ("a fault", 3, 0)
    assert outcome.stood_ms is not None
    assert side.stands_at_the_end()
    assert f"nothing to act on for {SOON_S:.0f} s" in side.faults[-1].kind


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("case", model_cases.CASES, ids=lambda case: case.name)
def test_a_model_fault(emulator: ServoBusEmulator, case: ModelCase, record_property: Record) -> None:
    side = PolicySide(emulator.port)
    model_cases.RELEASED.clear()
    try:
        outcome = outcome_of(case, emulator, side)
    finally:
        model_cases.RELEASED.set()
    record_property("outcome", outcome.row())
    assert outcome.violated == 0
    if case.ends:
        assert outcome.exit_code == 3
        assert case.ends in side.faults[-1].kind
        assert side.stands_at_the_end()
        assert side.check.commands[-1].state in {State.STOPPING, State.HOLDING}
    else:
        assert (outcome.ended, outcome.exit_code) == ("task done", 0)
        assert outcome.moved_ms is not None


def test_an_event_loop_blocked_for_300_ms_is_noticed_and_survived(
    emulator: ServoBusEmulator, record_property: Record
) -> None:
    outcome = outcome_of(BLOCKED, emulator, PolicySide(emulator.port))
    record_property("outcome", outcome.row())
    assert (outcome.ended, outcome.exit_code, outcome.violated) == ("task done", 0, 0)
    beat_ms = 60  # the watch looks every 50 ms, and what is left of a beat is not late
    assert int(outcome.said.split()[-2]) >= BLOCKED_S * 1e3 - beat_ms
    assert outcome.moved_ms is not None


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_trouble_within_the_policy_process_is_survived(emulator: ServoBusEmulator, trouble: Trouble) -> None:
    with policy_process(emulator, trouble) as policy:
        told = policy.report()
    assert told["ended"] == "task done", told["said"]
    assert told["violated"] == violations_on_the_wire(emulator) == 0
    assert told["moved_ms"] is not None
    assert trouble.said in " ".join(told["said"])


def test_when_the_policy_process_is_killed_the_arm_stands(emulator: ServoBusEmulator, record_property: Record) -> None:
    with policy_process(emulator) as policy:
        stood_ms = wait_for_standstill(emulator, policy.signal(signal.SIGKILL))
    record_property("stood_ms", stood_ms)
    assert violations_on_the_wire(emulator) == 0


def test_a_policy_process_that_wakes_up_acts_on_nothing_that_it_saw_before(
    emulator: ServoBusEmulator, record_property: Record
) -> None:
    with policy_process(emulator) as policy:
        stood_ms, woken_ns = pause(emulator, policy)
        told = policy.report()
    record_property("stood_ms", stood_ms)
    assert told["ended"] == "task done"
    assert told["violated"] == violations_on_the_wire(emulator) == 0
    assert any("stood still" in kind and "thrown away" in reaction for kind, reaction in told["faults"])
    seen_before = {chunk for time_ns, chunk, _ in told["commands"] if time_ns < woken_ns}
    acted = [(chunk, captured_ns) for _, chunk, captured_ns in told["commands"] if chunk not in seen_before]
    assert len({chunk for chunk, _ in acted}) >= 2
    assert all(captured_ns >= woken_ns for _, captured_ns in acted)

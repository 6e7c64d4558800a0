"""Camera, model and policy-process faults under the real policy side: the right reaction, and no goal out of limits."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from libra_edge.drivers.simulation.servos.servo_bus_emulator import ServoBusEmulator
from libra_edge.runtime.servo_directory import running_servos
from libra_edge.runtime.supervisor import State
from tests.dynamixel.bench import emulated
from tests.faults import camera_cases, model_cases
from tests.faults.camera_cases import CameraCase
from tests.faults.model_cases import ModelCase
from tests.faults.policy_process_cases import BLOCKED_S, block_the_loop, pause, policy_process
from tests.faults.policy_side import PolicySide
from tests.faults.wire_times import wait_for_standstill


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


def no_limit_was_broken(side: PolicySide) -> None:
    assert side.check.violated == 0
    assert len(side.check.commands) > 100


@pytest.mark.parametrize("case", camera_cases.CASES, ids=lambda case: case.name)
def test_a_camera_fault(emulator: ServoBusEmulator, case: CameraCase) -> None:
    side = PolicySide(emulator.port)
    if case.wire_only and not side.cameras[0].through_librealsense:
        pytest.skip("librealsense cannot be loaded here")
    session = side.play(case.scenario)
    assert (session.ended, session.fault) == ("task done", None)
    assert sum(case.word in fault.kind for fault in side.faults) == 1, side.faults
    held = [fault for fault in side.faults if fault.reaction == "hold"]
    assert len(held) == 1 or not case.blinding, side.faults
    assert (side.moved_after_ms() or 0) > 0
    no_limit_was_broken(side)
    print(case.name, side.announced_ms(case.word), side.stood_ms(), side.moved_after_ms(), side.faults)


@pytest.mark.parametrize("case", model_cases.CASES, ids=lambda case: case.name)
def test_a_model_fault(emulator: ServoBusEmulator, case: ModelCase) -> None:
    model_cases.RELEASED.clear()
    side = PolicySide(emulator.port)
    try:
        session = side.play(case.scenario)
    finally:
        model_cases.RELEASED.set()
    assert any(case.word in fault.kind for fault in side.faults), side.faults
    if case.ends:
        assert session.fault is not None
        assert session.fault.exit_code == 3
        assert case.ends in str(session.fault)
        assert side.stands_at_the_end()
        assert side.check.commands[-1].state in {State.STOPPING, State.HOLDING}
    else:
        assert (session.ended, session.fault) == ("task done", None)
    no_limit_was_broken(side)
    print(case.name, side.announced_ms(case.word), side.stood_ms(), side.moved_after_ms(), side.faults)


def test_an_event_loop_blocked_for_300_ms_is_noticed_and_survived(emulator: ServoBusEmulator) -> None:
    side = PolicySide(emulator.port)
    session = side.play(block_the_loop)
    assert (session.ended, session.fault) == ("task done", None)
    told = next(fault for fault in side.faults if "stood still" in fault.kind)
    assert int(told.kind.split()[-2]) >= BLOCKED_S * 1e3 - 60
    no_limit_was_broken(side)
    print("blocked", side.announced_ms("stood still"), side.stood_ms(), side.moved_after_ms(), side.faults)


def test_when_the_policy_process_is_killed_the_arm_stands(emulator: ServoBusEmulator) -> None:
    with policy_process(emulator) as policy:
        stood_ms = wait_for_standstill(emulator, policy.signal(signal.SIGKILL))
    print("killed", stood_ms)


def test_a_policy_process_that_wakes_up_acts_on_nothing_that_it_saw_before(emulator: ServoBusEmulator) -> None:
    with policy_process(emulator) as policy:
        stood_ms, woken_ns = pause(emulator, policy)
        told = policy.report()
    assert told["ended"] == "task done"
    assert told["violated"] == 0
    assert any("stood still" in kind and "thrown away" in reaction for kind, reaction in told["faults"])
    seen_before = {chunk for time_ns, chunk, _ in told["commands"] if time_ns < woken_ns}
    acted = [(chunk, captured_ns) for _, chunk, captured_ns in told["commands"] if chunk not in seen_before]
    assert len({chunk for chunk, _ in acted}) >= 2
    assert all(captured_ns >= woken_ns for _, captured_ns in acted)
    print("paused", stood_ms, told["faults"])

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
from tests.faults.policy_side import PolicySide


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
        assert side.stood_ms() is not None
        assert side.check.commands[-1].state in {State.STOPPING, State.HOLDING}
    else:
        assert (session.ended, session.fault) == ("task done", None)
    no_limit_was_broken(side)
    print(case.name, side.announced_ms(case.word), side.stood_ms(), side.moved_after_ms(), side.faults)

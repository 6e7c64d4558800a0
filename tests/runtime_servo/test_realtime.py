"""The real-time set-up: it reports what it got, and never fails."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from libra_edge.runtime import realtime
from libra_edge.runtime.realtime import PRIORITY, keep_processors_awake, set_up_realtime


class FakeLibc:
    """Answers every call alike."""

    def __init__(self, result: int) -> None:
        self._result = result

    def mlockall(self, *_: object) -> int:
        ctypes.set_errno(12)
        return self._result

    prctl = mlockall


@pytest.fixture(autouse=True)
def latency_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    request = tmp_path / "cpu_dma_latency"
    request.touch()
    monkeypatch.setattr(realtime, "LATENCY_REQUEST", request)
    yield request
    for descriptor in Path("/proc/self/fd").iterdir():
        if descriptor.resolve() == request:
            os.close(int(descriptor.name))


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    interval = sys.getswitchinterval()
    yield
    sys.setswitchinterval(interval)
    gc.unfreeze()


def refuse(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_where_nothing_is_granted_it_says_why_for_each(monkeypatch: pytest.MonkeyPatch, latency_request: Path) -> None:
    latency_request.unlink()
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(realtime, "_libc", lambda: FakeLibc(-1))
    report = set_up_realtime()
    refused = {measure.name: measure.outcome for measure in report.measures if not measure.granted}
    assert refused == {
        "real-time scheduling": "operation not permitted",
        "core of its own": "only 2 cores",
        "memory locked": "cannot allocate memory",
        "exact timers": "cannot allocate memory",
        "processors awake": "no such file or directory",
    }
    assert "not granted: real-time scheduling (operation not permitted)" in str(report)


def test_where_all_is_granted_it_takes_the_last_core(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(os, "sched_setscheduler", lambda *arguments: asked.append(arguments[1]))
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_FIFO)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    monkeypatch.setattr(os, "sched_setaffinity", lambda *arguments: asked.append(arguments[1]))
    monkeypatch.setattr(realtime, "_libc", lambda: FakeLibc(0))
    report = set_up_realtime()
    assert all(measure.granted for measure in report.measures)
    assert asked == [os.SCHED_FIFO, {5}]
    assert f"SCHED_FIFO {PRIORITY}" in {measure.outcome for measure in report.measures}
    assert str(report).endswith("not granted: nothing")


def test_processors_stay_awake_as_long_as_the_process_lives(latency_request: Path) -> None:
    keep_processors_awake()
    held = [descriptor.resolve() for descriptor in Path("/proc/self/fd").iterdir()]
    assert held.count(latency_request) == 1
    assert latency_request.read_bytes() == bytes(4)


def test_on_a_system_without_these_calls_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setscheduler")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(realtime, "_libc", object)
    granted = {measure.name for measure in set_up_realtime().measures if measure.granted}
    assert granted == {"garbage collector frozen", "short thread switch", "processors awake"}

"""Real processes at one cache: two that build at once, and one that is killed on the way."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from libra_edge.bundle import open_bundle
from libra_edge.cuda_device import CudaDevice
from libra_edge.export import engine_folder
from libra_edge.export.engine_cache import BuildSite, CachedEngine, EngineOptions, ensure_engines
from libra_edge.export.progress import SilentProgress
from tests.tensorrt.small_bundle import write_small_bundle
from tests.tensorrt.software_faults import Faults
from tests.tensorrt.software_tensorrt import software_tensorrt

PROCESSES = multiprocessing.get_context("spawn")
PATIENCE_S = 60


class Waited(logging.Handler):
    """Tells of the first log line about waiting."""

    def __init__(self, waiting: Event) -> None:
        super().__init__()
        self._waiting = waiting

    def emit(self, record: logging.LogRecord) -> None:
        if "waiting" in record.getMessage():
            self._waiting.set()


def ensure(folder: Path, faults: Faults) -> dict[str, CachedEngine]:
    site = BuildSite(software_tensorrt(faults), CudaDevice("Orin", (8, 7)), folder / "engines")
    return dict(ensure_engines(open_bundle(folder / "small"), EngineOptions(64), SilentProgress(), site))


def build_first(folder: Path, building: Event, waiting: Event) -> None:
    """Build, but finish only when the other process waits for the lock."""

    def on_build() -> None:
        building.set()
        assert waiting.wait(PATIENCE_S)

    assert all(engine.built for engine in ensure(folder, Faults(on_build=on_build)).values())


def build_second(folder: Path, building: Event, waiting: Event) -> None:
    """Start when the other one is building, and find its engine when the lock is free."""
    assert building.wait(PATIENCE_S)
    log = logging.getLogger(engine_folder.__name__)
    log.setLevel(logging.INFO)
    log.addHandler(Waited(waiting))
    assert not ensure(folder, Faults())["planner"].built


def test_of_two_processes_one_builds_and_the_other_uses_what_it_built(tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "small")
    building, waiting = PROCESSES.Event(), PROCESSES.Event()
    both = [
        PROCESSES.Process(target=target, args=(tmp_path, building, waiting)) for target in (build_first, build_second)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(PATIENCE_S)
    assert [process.exitcode for process in both] == [0, 0]
    assert not any(engine.built for engine in ensure(tmp_path, Faults()).values())
    assert len([path for path in (tmp_path / "engines").iterdir() if path.is_dir()]) == 3


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_while_building(folder: Path) -> None:
    ensure(folder, Faults(on_build=die))


def killed_while_writing(folder: Path) -> None:
    os.fsync = die  # type: ignore[assignment]
    ensure(folder, Faults())


def killed_before_it_is_in_place(folder: Path) -> None:
    Path.rename = die  # type: ignore[method-assign, assignment]
    ensure(folder, Faults())


@pytest.mark.parametrize("victim", [killed_while_building, killed_while_writing, killed_before_it_is_in_place])
def test_a_killed_process_leaves_no_half_engine_and_no_lock(
    tmp_path: Path, victim: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(victim)
    write_small_bundle(tmp_path / "small")
    process = PROCESSES.Process(target=victim, args=(tmp_path,))
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode == -signal.SIGKILL
    left = sorted(path.name for path in (tmp_path / "engines").iterdir() if path.is_dir())
    assert [name[0] for name in left] == ["."], "only the folder in the making"
    assert all(engine.built for engine in ensure(tmp_path, Faults()).values())
    assert "built anew" not in caplog.text
    assert [path for path in (tmp_path / "engines").iterdir() if path.name.startswith(".")] == []

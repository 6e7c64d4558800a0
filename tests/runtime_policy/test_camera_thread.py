"""A camera's thread: what it hands on, what it says and when, and how it gets back what was lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from libra_edge.errors import CameraError, MissingHardwareError
from libra_edge.messages import Frame
from libra_edge.runtime import camera_thread
from libra_edge.runtime.camera_thread import CameraReport, camera_threads

GREY = np.full((18, 32, 3), 128, np.uint8)
PATIENCE_S = 20.0


@dataclass
class Ears:
    frames: list[Frame] = field(default_factory=list)
    reports: list[CameraReport] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def frame(self, frame: Frame) -> None:
        with self.changed:
            self.frames.append(frame)
            self.changed.notify()

    def report(self, report: CameraReport) -> None:
        with self.changed:
            self.reports.append(report)
            self.changed.notify()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE_S)


class PluggedCamera:
    """Gives pictures while it is plugged in and open; an unplugged one must be opened again."""

    name = "front"

    def __init__(self) -> None:
        self.plugged = True
        self.is_open = True
        self.black = False
        self.opened = 0
        self.closed = 0
        self._number = 0

    def open(self) -> None:
        self.opened += 1
        if not self.plugged:
            raise MissingHardwareError("no camera")
        self.is_open = True

    def read(self, timeout_s: float) -> Frame:
        time.sleep(0.002)
        if not self.plugged:
            self.is_open = False
        if not self.is_open:
            raise CameraError(self.name, "sent no frame")
        self._number += 1
        image = GREY // 128 if self.black else GREY.copy()
        return Frame(self.name, image, self._number, time.monotonic_ns())

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_thread, "REOPEN_AFTER_S", 0.02)
    monkeypatch.setattr(camera_thread, "RETRY_S", 0.005)
    monkeypatch.setattr(camera_thread, "LONGEST_PAUSE_S", 0.02)


def test_a_camera_that_is_unplugged_is_opened_again_and_both_are_said_once() -> None:
    camera, ears = PluggedCamera(), Ears()
    with camera_threads([camera], {"front": 30.0}, ears) as pictures:
        ears.wait_for(lambda: len(ears.frames) > 3)
        camera.plugged = False
        ears.wait_for(lambda: bool(ears.reports))
        while camera.opened < 3:
            time.sleep(0.001)
        assert len(ears.reports) == 1
        camera.plugged = True
        ears.wait_for(lambda: len(ears.reports) == 2)
    assert ears.reports[0].text == "camera 'front': sent no frame"
    assert ears.reports[0].reaction is not None
    assert ears.reports[1] == CameraReport("camera 'front' is back", None)
    assert camera.closed >= camera.opened
    assert pictures["front"].frames == len(ears.frames)
    assert not [thread for thread in threading.enumerate() if thread.name == "camera front"]


def test_black_pictures_are_not_handed_on_and_the_camera_is_left_open() -> None:
    camera, ears = PluggedCamera(), Ears()
    camera.black = True
    with camera_threads([camera], {}, ears) as pictures:
        ears.wait_for(lambda: bool(ears.reports))
        while pictures["front"].refused < 30:
            time.sleep(0.001)
        assert not ears.frames
        camera.black = False
        ears.wait_for(lambda: len(ears.reports) == 2)
    assert "black" in ears.reports[0].text
    assert ears.reports[1].reaction is None
    assert camera.opened == 0
    assert all(frame.image.max() == 128 for frame in ears.frames)


def test_a_camera_that_hangs_does_not_keep_the_run_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_thread, "READ_TIMEOUT_S", 0.005)
    released = threading.Event()

    class Hanging(PluggedCamera):
        def read(self, timeout_s: float) -> Frame:
            released.wait(PATIENCE_S)
            raise CameraError(self.name, "was released")

    with camera_threads([Hanging()], {}, Ears()):
        pass
    hung = next(thread for thread in threading.enumerate() if thread.name == "camera front")
    assert hung.daemon
    released.set()
    hung.join(PATIENCE_S)

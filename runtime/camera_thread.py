"""A thread a camera: it reads, judges, opens again what was lost; the event loop hears of good pictures and changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from libra_edge.clock import MonotonicClock
from libra_edge.errors import CameraError, LibraEdgeError
from libra_edge.messages import Frame
from libra_edge.protocols import Camera
from libra_edge.runtime.picture_watch import PictureWatch

READ_TIMEOUT_S = 0.5
RETRY_S = 0.1
REOPEN_AFTER_S = 1.0
"""A camera that has given nothing for so long is closed and opened again."""
LONGEST_PAUSE_S = 4.0
"""Between two tries to open a camera; the first pause is RETRY_S, each further one twice as long."""
GOOD_PICTURES = 3
"""So many in a row, and the camera is said to be back."""


@dataclass(frozen=True, slots=True)
class CameraReport:
    """A change in how a camera fares: `text` names it; `reaction` is None for good news."""

    text: str
    reaction: str | None


class Audience(Protocol):
    """Who hears from the cameras, in their threads."""

    def frame(self, frame: Frame) -> None:
        """A picture that may be acted on."""
        ...

    def report(self, report: CameraReport) -> None:
        """A change for the worse or the better."""
        ...


class CameraThread:
    """Reads one camera until told to stop.

    Attributes:
        watch: the counts of its pictures.
    """

    def __init__(self, camera: Camera, nominal_hz: float | None, audience: Audience, stopping: threading.Event) -> None:
        self.watch = PictureWatch(nominal_hz, self._degraded)
        self._camera = camera
        self._audience = audience
        self._stopping = stopping
        self._clock = MonotonicClock()
        self._silent_since: float | None = None
        self._pause_s = RETRY_S
        self._troubled = False
        self._good_in_a_row = 0
        self._thread = threading.Thread(target=self._run, name=f"camera {camera.name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def join(self) -> None:
        """Wait for its end, but not for a library that hangs."""
        self._thread.join(timeout=2 * READ_TIMEOUT_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                frame = self._camera.read(READ_TIMEOUT_S)
            except CameraError as error:
                self._silent(error)
                continue
            self._silent_since, self._pause_s = None, RETRY_S
            complaint = self.watch.complaint(frame, self._clock.now_ns())
            if complaint is None:
                self._good(frame)
            else:
                self._trouble(f"camera {self._camera.name!r} {complaint}")

    def _good(self, frame: Frame) -> None:
        self._audience.frame(frame)
        self._good_in_a_row += 1
        if self._troubled and self._good_in_a_row >= GOOD_PICTURES:
            self._troubled = False
            self._audience.report(CameraReport(f"camera {self._camera.name!r} is back", None))

    def _silent(self, error: CameraError) -> None:
        """No picture: say so, wait, and if that goes on for long open the camera again."""
        self._trouble(str(error))
        self.watch.interrupted()
        now = time.monotonic()
        self._silent_since = now if self._silent_since is None else self._silent_since
        if now - self._silent_since < REOPEN_AFTER_S:
            self._stopping.wait(RETRY_S)
            return
        if self._reopened():
            self._silent_since = None
        self._stopping.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _reopened(self) -> bool:
        self._camera.close()
        try:
            self._camera.open()
        except LibraEdgeError:
            return False  # what is wrong was said when it began; the next try follows
        return True

    def _trouble(self, text: str) -> None:
        self._good_in_a_row = 0
        if not self._troubled:
            self._troubled = True
            self._audience.report(CameraReport(text, "not looked through; hold once its last picture is too old"))

    def _degraded(self, clause: str) -> None:
        self._audience.report(CameraReport(f"camera {self._camera.name!r} {clause}", "goes on"))


@contextmanager
def camera_threads(
    cameras: Sequence[Camera], nominal_hz: Mapping[str, float], audience: Audience
) -> Iterator[dict[str, PictureWatch]]:
    """A thread a camera while the context lasts; gives the counts of each. `nominal_hz` may lack cameras."""
    stopping = threading.Event()
    threads = {camera.name: CameraThread(camera, nominal_hz.get(camera.name), audience, stopping) for camera in cameras}
    for thread in threads.values():
        thread.start()
    try:
        yield {name: thread.watch for name, thread in threads.items()}
    finally:
        stopping.set()
        for thread in threads.values():
            thread.join()

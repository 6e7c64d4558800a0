"""A camera's stream with troubles in it, and the ledger of what was injected against what was said about it."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import numpy as np

from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.realsense.capture_time import StampDomain
from libra_edge.drivers.realsense.software_camera import SoftwareCamera
from libra_edge.messages import Frame, UInt8
from libra_edge.robot import RobotCameraSection
from libra_edge.runtime.camera_thread import CameraReport

FPS: Literal[60] = 60
STREAM = RobotCameraSection(name="front", width=64, height=36, fps=FPS)
APART = (60, 120)
"""Pictures between two troubles: the camera must be back, and its clock known again, before the next."""
STALLED_S = (0.7, 0.9, 2.0)
"""Longer than a read waits; the longest makes the reader open the camera again."""
STEPS_S = (10.0, -10.0, 0.4, -0.1)
MS = 1_000_000
WORDS = ("sent no frame", "clock set", "skips pictures", "is frozen", "is back")


class Trouble(Enum):
    """What goes wrong with one picture."""

    STALL = "stall"
    REPEATED_NUMBER = "repeated number"
    REPEATED_PIXELS = "repeated pixels"
    DROP = "drop"
    CLOCK_STEP = "clock step"


@dataclass
class Heard:
    """Everything the camera's thread gave and said; an `Audience`.

    Attributes:
        frames: numbers of the pictures given to be acted on.
        genuine: sum of the pixels of every new picture, by number; -1 for a number that no new picture has.
        false_pixels: numbers of pictures given that were not the new ones of that number.
        misdated_ns: capture time less the true one, of every picture given.
    """

    frames: list[int] = field(default_factory=list)
    taken_ns: dict[int, int] = field(default_factory=dict)
    genuine: dict[int, int] = field(default_factory=dict)
    reports: list[CameraReport] = field(default_factory=list)
    false_pixels: list[int] = field(default_factory=list)
    misdated_ns: list[int] = field(default_factory=list)

    def frame(self, frame: Frame) -> None:
        """Compare a picture that will be acted on with what was taken."""
        self.frames.append(frame.number)
        if int(frame.image.sum()) != self.genuine.get(frame.number):
            self.false_pixels.append(frame.number)
        self.misdated_ns.append(frame.captured_ns - self.taken_ns[frame.number])

    def report(self, report: CameraReport) -> None:
        """Keep what is said."""
        self.reports.append(report)

    def said(self) -> dict[str, int]:
        """How many reports so far hold these words."""
        return {words: sum(words in report.text for report in self.reports) for words in WORDS}


class TroubledStream:
    """A software camera that delivers pictures by its frame rate, with troubles between them.

    Attributes:
        injected: troubles so far, by kind.
        unlooked: repeats that nobody had taken off the queue before the next picture replaced them.
        missed: repeats that were taken and not counted as such.
        dropped: frame numbers that were never delivered.
        delivered: pictures, repeated ones among them.
        number: of the last picture.
    """

    def __init__(self, seed: int) -> None:
        self._software = SoftwareCamera(STREAM, StampDomain.HARDWARE)
        self.camera = RealSenseCamera(STREAM, lambda _: self._software.device)
        self.heard = Heard()
        self.injected: Counter[Trouble] = Counter()
        self.unlooked = 0
        self.missed = 0
        self.dropped = 0
        self.delivered = 0
        self._random = random.Random(seed)
        self._pixels = np.random.default_rng(seed)
        self._ahead_ns = 0
        self.number = 0
        self._last: Frame | None = None
        self._due = time.monotonic()
        self._stopping = threading.Event()

    def play(self, pictures: int) -> None:
        """Deliver about so many pictures, in real time."""
        self._due = time.monotonic()
        end = self.number + pictures
        for trouble in self._troubles():
            for _ in range(self._random.randint(*APART)):
                self._deliver_next()
            if self.number >= end:
                return
            self._inject(trouble)

    def _troubles(self) -> Iterator[Trouble]:
        """Every kind in each round, in an order of its own."""
        while True:
            yield from self._random.sample(list(Trouble), len(Trouble))

    def _inject(self, trouble: Trouble) -> None:
        nth = self.injected[trouble]
        self.injected[trouble] += 1
        if trouble is Trouble.STALL:
            self._due += STALLED_S[nth % len(STALLED_S)]
        elif trouble is Trouble.CLOCK_STEP:
            self._ahead_ns += round(STEPS_S[nth % len(STEPS_S)] * 1e9)
        elif trouble is Trouble.DROP:
            lost = self._random.randint(1, 5)
            self.number += lost
            self.dropped += lost
            self._due += lost / FPS
        else:
            self._repeat(fresh_number=trouble is Trouble.REPEATED_PIXELS)

    def _repeat(self, *, fresh_number: bool) -> None:
        """Deliver the last picture again, and see within one period whether it was told from a new one."""
        assert self._last is not None
        image = self._last.image if fresh_number else self._new_image()
        self.number += int(fresh_number)
        self.heard.genuine[self.number] = self.heard.genuine.get(self.number, -1)
        self._wait()  # the picture before has had its period
        counts = self.camera.counts
        taken, repeated = counts.taken, counts.repeated
        self._deliver(image)
        time.sleep(0.8 / FPS)
        if counts.repeated == repeated:
            self.unlooked += counts.taken == taken
            self.missed += counts.taken > taken

    def _deliver_next(self) -> None:
        self.number += 1
        image = self._new_image()
        self.heard.genuine[self.number] = int(image.sum())
        self._wait()
        self._deliver(image)

    def _new_image(self) -> UInt8:
        return self._pixels.integers(40, 256, (STREAM.height, STREAM.width, 3), dtype=np.uint8)

    def _wait(self) -> None:
        self._due += 1 / FPS
        self._stopping.wait(max(0.0, self._due - time.monotonic()))

    def _deliver(self, image: UInt8) -> None:
        now_ns = time.monotonic_ns()
        self.heard.taken_ns.setdefault(self.number, now_ns)
        self._last = Frame(STREAM.name, image, self.number, now_ns + self._ahead_ns)
        self._software.inject(self._last)
        self.delivered += 1

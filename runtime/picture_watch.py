"""Judges the pictures of one camera as they come: may they be acted on, and does the camera keep its rate?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from libra_edge.messages import Frame, UInt8

BLACK_LEVEL = 12
"""Of 255. A covered lens gives noise around 0 to 8; a dark room, with automatic exposure, much more."""
BRIGHT_SHARE = 0.001
"""Hot pixels are bright in the dark too: a picture is black if fewer of its pixels than this are above the level."""
SAMPLED_EVERY = 4
WINDOW_NS = 2_000_000_000
BREAK_NS = 500_000_000
"""After a gap of this length the stream begins anew: a camera that went silent, or we who did not look."""
SLOW_SHARE = 0.7
FINE_SHARE = 0.9
SKIPS_TOLD = 3


class PictureWatch:
    """Used from the camera's thread; its counts may be read from elsewhere.

    Attributes:
        frames: pictures that could be acted on.
        skipped: frame numbers that never came.
        refused: pictures that could not be acted on.
        rate_hz: pictures a second over the last two seconds, None before there are so many.
    """

    def __init__(self, nominal_hz: float | None, on_degraded: Callable[[str], None]) -> None:
        """`nominal_hz` None: nobody knows the rate; `on_degraded` is told what is wrong with pictures good enough."""
        self.frames = 0
        self.skipped = 0
        self.refused = 0
        self.rate_hz: float | None = None
        self._nominal_hz = nominal_hz
        self._on_degraded = on_degraded
        self._last: Frame | None = None
        self._since_ns: int | None = None
        self._recent_ns: deque[int] = deque()
        self._slow = False
        self._skips_told = False

    def complaint(self, frame: Frame, now_ns: int) -> str | None:
        """Why `frame` must not be acted on, as a clause; None if it may."""
        problem = self._problem(frame, now_ns)
        if problem is None:
            if self._last is not None and frame.captured_ns - self._last.captured_ns > BREAK_NS:
                self.interrupted()
            self._count_skips(frame)
            self._last = frame
            problem = "shows black only; is the lens covered?" if is_black(frame.image) else None
        if problem is not None:
            self.refused += 1
            self._measure_anew()
            return problem
        self._measure_rate(frame.captured_ns)
        self.frames += 1
        return None

    def interrupted(self) -> None:
        """The stream broke off: the next picture may have any number, and the rate is measured anew."""
        self._last = None
        self._measure_anew()

    def _problem(self, frame: Frame, now_ns: int) -> str | None:
        if frame.captured_ns > now_ns:
            return f"says its picture is from the future, {(frame.captured_ns - now_ns) / 1e6:.0f} ms ahead"
        if self._last is not None and frame.number == self._last.number:
            return f"sent frame number {frame.number} again"
        if self._last is not None and frame.captured_ns < self._last.captured_ns:
            return "sent a picture that is older than the one before"
        return None

    def _count_skips(self, frame: Frame) -> None:
        if self._last is None:
            return
        self.skipped += max(0, frame.number - self._last.number - 1)
        if self.skipped >= SKIPS_TOLD and not self._skips_told:
            self._skips_told = True
            self._on_degraded(f"skips pictures: {self.skipped} frame numbers up to {frame.number} never came")

    def _measure_anew(self) -> None:
        self._since_ns = None
        self._recent_ns.clear()

    def _measure_rate(self, captured_ns: int) -> None:
        self._since_ns = captured_ns if self._since_ns is None else self._since_ns
        self._recent_ns.append(captured_ns)
        while captured_ns - self._recent_ns[0] > WINDOW_NS:
            self._recent_ns.popleft()
        if self._nominal_hz is None or captured_ns - self._since_ns < WINDOW_NS:
            return
        self.rate_hz = len(self._recent_ns) / WINDOW_NS * 1e9
        if not self._slow and self.rate_hz < SLOW_SHARE * self._nominal_hz:
            self._slow = True
            self._on_degraded(f"gives {self.rate_hz:.1f} pictures a second, its profile says {self._nominal_hz:g}")
        elif self._slow and self.rate_hz > FINE_SHARE * self._nominal_hz:
            self._slow = False


def is_black(image: UInt8) -> bool:
    """Whether hardly any pixel of uint8 [H, W, 3] is brighter than a sensor's noise in the dark."""
    sampled = image[::SAMPLED_EVERY, ::SAMPLED_EVERY]
    return bool(np.count_nonzero(sampled.max(axis=-1) > BLACK_LEVEL) <= BRIGHT_SHARE * sampled[..., 0].size)

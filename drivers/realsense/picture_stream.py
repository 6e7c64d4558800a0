"""One stream of a camera, colour or depth: the newest picture, dated, and told from one that was seen before."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.realsense.capture_time import CaptureTime, StampDomain
from libra_edge.drivers.realsense.frozen_stream import FrozenStream
from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.drivers.realsense.recorded_device import has_ended
from libra_edge.drivers.realsense.stream_counts import StreamCounts
from libra_edge.errors import CameraError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A new one.

    Attributes:
        pixels: a copy, of the stream's shape.
        unit_m: metres that a depth of 1 means; 0 for colour.
    """

    pixels: NDArray[Any]
    number: int
    captured_ns: int
    unit_m: float


class PictureStream:
    """What the camera delivers into `queue`, from one opening to the next.

    Attributes:
        queue: `rs.frame_queue` of one, in which a newer picture replaces one that nobody took.
    """

    def __init__(
        self, name: str, shape: tuple[int, ...], device: Any, counts: StreamCounts, identical_limit: int | None
    ) -> None:
        """`name` is said in errors; `shape` and nothing else is taken."""
        self.queue = load_librealsense().frame_queue(1)
        self._name = name
        self._shape = shape
        self._device = device
        self._counts = counts
        self._clock = MonotonicClock()
        self._capture_time = CaptureTime()
        self._frozen = FrozenStream(identical_limit)
        self._degraded_announced = False

    def read(self, timeout_s: float) -> Picture:
        """Wait for the next new picture that can be dated.

        Raises CameraError if none comes, the stream is frozen, or once when the camera's clock was set.
        """
        deadline = time.monotonic() + timeout_s
        complaint = "sent no frame"
        while (delivered := self._next_delivered(deadline)) is not None:
            if self._frozen.repeats(delivered.get_frame_number()):
                self._counts.repeated += 1
                complaint = "is frozen, it sent the same frame again and nothing else"
                continue
            verdict = self._judged(delivered)
            if isinstance(verdict, Picture):
                self._counts.handed_out += 1
                return verdict
            complaint = verdict
        self._counts.silences += 1
        if has_ended(self._device):
            raise CameraError(self._name, "has come to the end of its recording, which begins anew when it is opened")
        raise CameraError(self._name, f"{complaint} for {timeout_s:.1f} s; check cable and power")

    def _next_delivered(self, deadline: float) -> Any:
        """The newest `rs.frame`, or None if the deadline (seconds of `time.monotonic`) passes without one."""
        remaining_ms = max(0, round((deadline - time.monotonic()) * 1e3))
        try:
            delivered, picture = self.queue.try_wait_for_frame(remaining_ms)
        except RuntimeError as error:
            raise CameraError(self._name, f"failed while streaming ({error})") from error
        return picture if delivered else None

    def _judged(self, delivered: Any) -> Picture | str:
        """It as a new picture, or what is wrong with it, as a clause."""
        captured_ns = self._captured_ns(delivered)
        # A copy, because librealsense's pool holds only a few frames.
        pixels = np.array(delivered.get_data())
        if pixels.shape != self._shape:
            wanted = "x".join(map(str, self._shape))
            raise CameraError(self._name, f"sent a picture of shape {pixels.shape}, not {wanted}")
        is_depth = delivered.is_depth_frame()
        blind = is_depth and not pixels.any()  # as it is with something right before the lens, without a fault
        if not blind and self._frozen.equals_last(pixels):
            self._counts.repeated += 1
            if self._frozen.hangs:
                raise CameraError(self._name, "is frozen, its last pictures are equal to the last bit; replug it")
            return "is frozen, it sent pictures that are equal to the last bit"
        if captured_ns is None:
            self._counts.undated += 1
            return "sent only pictures that cannot be dated"
        unit_m = delivered.as_depth_frame().get_units() if is_depth else 0.0
        return Picture(pixels, delivered.get_frame_number(), captured_ns, unit_m)

    def _captured_ns(self, delivered: Any) -> int | None:
        arrived_ns, jumps = self._clock.now_ns(), self._capture_time.jumps
        domain = StampDomain(delivered.get_frame_timestamp_domain().name)
        self._counts.domain = domain
        if self._device.is_playback():
            domain = StampDomain.HARDWARE  # whatever clock it was recorded by, it shows the past
        elif domain is StampDomain.SYSTEM and not self._degraded_announced:
            self._degraded_announced = True
            log.warning("camera %r gives no capture times (no kernel metadata): arrival times stand in", self._name)
        captured_ns = self._capture_time.captured_ns(delivered.get_timestamp(), domain, arrived_ns)
        self._counts.uncertainty_ns = self._capture_time.uncertainty_ns
        if self._capture_time.jumps > jumps:
            self._counts.undated += 1
            self._counts.clock_steps += 1
            raise CameraError(self._name, "was found with its clock set to another time; its pictures are dated anew")
        return captured_ns

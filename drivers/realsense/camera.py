"""A RealSense colour camera, real or software, over `rs.sensor` and a queue that keeps the newest frame.

Not over `rs.pipeline`, which does not see software devices: the same code serves the bench and the simulation.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.realsense.capture_time import CaptureTime, StampDomain
from libra_edge.drivers.realsense.devices import colour_stream, describe, find_device, on_slow_usb
from libra_edge.drivers.realsense.frozen_stream import FrozenStream
from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.drivers.realsense.recorded_device import has_ended
from libra_edge.drivers.realsense.stream_counts import StreamCounts
from libra_edge.drivers.realsense.stream_intrinsics import intrinsics_of
from libra_edge.errors import CameraError, MissingHardwareError
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import Frame
from libra_edge.robot import RobotCameraSection

log = logging.getLogger(__name__)

IDENTICAL_LIMIT = 5
"""So many equal pictures in a row, from a sensor that has noise, mean that it hangs."""

FindDevice = Callable[[RobotCameraSection], Any]


class RealSenseCamera:
    """Implements `libra_edge.protocols.Camera`: frames uint8 [H, W, 3] RGB, captured when the camera says so.

    Attributes:
        counts: what became of the pictures that the camera delivered.
    """

    def __init__(
        self,
        stream: RobotCameraSection,
        find_device: FindDevice = find_device,
        *,
        identical_limit: int | None = IDENTICAL_LIMIT,
    ) -> None:
        """`find_device` gives the `rs.device`; `identical_limit` None suits a stream without noise."""
        self.name = stream.name
        self.counts = StreamCounts()
        self._stream = stream
        self._find_device = find_device
        self._identical_limit = identical_limit
        self._clock = MonotonicClock()
        self._device: Any = None
        self._sensor: Any = None
        self._queue: Any = None
        self._degraded_announced = False

    def open(self) -> None:
        """Start streaming. Raises MissingHardwareError, ConfigError, MissingDependencyError."""
        rs = load_librealsense()
        device = self._find_device(self._stream)
        sensor, profile = colour_stream(device, self._stream)
        if on_slow_usb(device):
            log.warning("camera %r: %s, slower than USB 3; try another cable or port", self.name, describe(device))
        self._capture_time = CaptureTime()
        self._frozen = FrozenStream(self._identical_limit)
        self._queue = rs.frame_queue(1)
        try:
            # Otherwise the frame rate halves in the dark. A recording takes no options.
            if not device.is_playback() and sensor.supports(rs.option.auto_exposure_priority):
                sensor.set_option(rs.option.auto_exposure_priority, 0)
            sensor.open(profile)
            sensor.start(self._queue)
        except RuntimeError as error:
            raise MissingHardwareError(
                f"camera {self.name!r}: the {describe(device)} does not start ({error}); is another program using it?"
            ) from error
        self._device, self._sensor, self._profile = device, sensor, profile

    def intrinsics(self) -> Intrinsics:
        """Of the open stream. Raises ConfigError if librealsense does not know them, CameraError if it is not open."""
        if self._sensor is None:
            raise CameraError(self.name, "is not open")
        return intrinsics_of(self._profile, self.name)

    def read(self, timeout_s: float) -> Frame:
        """Wait for the next new frame that can be dated.

        Raises CameraError if none comes, the stream is frozen, or once when the camera's clock was set.
        """
        if self._sensor is None:
            raise CameraError(self.name, "is not open")
        deadline = time.monotonic() + timeout_s
        complaint = "sent no frame"
        while (picture := self._next_picture(deadline)) is not None:
            if self._frozen.repeats(picture.get_frame_number()):
                self.counts.repeated += 1
                complaint = "is frozen, it sent the same frame again and nothing else"
                continue
            verdict = self._judged(picture)
            if isinstance(verdict, Frame):
                self.counts.handed_out += 1
                return verdict
            complaint = verdict
        self.counts.silences += 1
        if has_ended(self._device):
            raise CameraError(self.name, "has come to the end of its recording, which begins anew when it is opened")
        raise CameraError(self.name, f"{complaint} for {timeout_s:.1f} s; check cable and power")

    def close(self) -> None:
        """Stop streaming; may be called twice."""
        sensor, self._sensor, self._queue = self._sensor, None, None
        if sensor is None:
            return
        if self.counts.repeated or self.counts.clock_steps:
            log.warning("camera %r so far: %s", self.name, self.counts)
        for stop in (sensor.stop, sensor.close):
            try:
                stop()
            except RuntimeError as error:  # a camera that was unplugged cannot be stopped
                log.warning("camera %r: could not be closed properly (%s)", self.name, error)

    def _next_picture(self, deadline: float) -> Any:
        """The newest `rs.frame`, or None if the deadline (seconds of `time.monotonic`) passes without one."""
        remaining_ms = max(0, round((deadline - time.monotonic()) * 1e3))
        try:
            delivered, picture = self._queue.try_wait_for_frame(remaining_ms)
        except RuntimeError as error:
            raise CameraError(self.name, f"failed while streaming ({error})") from error
        return picture if delivered else None

    def _judged(self, picture: Any) -> Frame | str:
        """The picture as a new frame, or what is wrong with it, as a clause."""
        captured_ns = self._captured_ns(picture)
        # A copy, because librealsense's pool holds only a few frames.
        image = np.array(picture.get_data(), dtype=np.uint8)
        if image.shape != (self._stream.height, self._stream.width, 3):
            raise CameraError(
                self.name, f"sent a picture of shape {image.shape}, not {self._stream.height}x{self._stream.width}x3"
            )
        if self._frozen.equals_last(image):
            self.counts.repeated += 1
            if self._frozen.hangs:
                raise CameraError(self.name, "is frozen, its last pictures are equal to the last bit; replug it")
            return "is frozen, it sent pictures that are equal to the last bit"
        if captured_ns is None:
            self.counts.undated += 1
            return "sent only pictures that cannot be dated"
        return Frame(self.name, image, picture.get_frame_number(), captured_ns)

    def _captured_ns(self, picture: Any) -> int | None:
        arrived_ns, jumps = self._clock.now_ns(), self._capture_time.jumps
        domain = StampDomain(picture.get_frame_timestamp_domain().name)
        if self._device.is_playback():
            domain = StampDomain.HARDWARE  # whatever clock it was recorded by, it shows the past
        elif domain is StampDomain.SYSTEM and not self._degraded_announced:
            self._degraded_announced = True
            log.warning("camera %r gives no capture times (no kernel metadata): arrival times stand in", self.name)
        captured_ns = self._capture_time.captured_ns(picture.get_timestamp(), domain, arrived_ns)
        if self._capture_time.jumps > jumps:
            self.counts.undated += 1
            self.counts.clock_steps += 1
            raise CameraError(self.name, "was found with its clock set to another time; its pictures are dated anew")
        return captured_ns

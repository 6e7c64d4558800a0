"""A RealSense camera, colour and if wanted depth, real or software, over `rs.sensor` and queues of the newest picture.

Not over `rs.pipeline`, which does not see software devices: the same code serves the bench and the simulation.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from libra_edge.drivers.realsense.bounded_call import returns_within
from libra_edge.drivers.realsense.devices import (
    colour_stream,
    depth_stream,
    describe,
    find_device,
    on_slow_usb,
)
from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.drivers.realsense.open_sensors import OpenSensors, Wanted
from libra_edge.drivers.realsense.picture_stream import PictureStream
from libra_edge.drivers.realsense.stream_counts import StreamCounts
from libra_edge.drivers.realsense.stream_intrinsics import intrinsics_of
from libra_edge.errors import CameraError, MissingHardwareError
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import DepthFrame, Frame
from libra_edge.robot import RobotCameraSection

log = logging.getLogger(__name__)

IDENTICAL_LIMIT = 5
"""So many equal pictures in a row, from a sensor that has noise, mean that it hangs."""
CLOSE_S = 2.0
"""An unplugged camera may never let go; then it is left behind."""

FindDevice = Callable[[RobotCameraSection], Any]


class RealSenseCamera:
    """Implements `libra_edge.protocols.DepthCamera`: pictures captured when the camera says so.

    Attributes:
        counts: what became of the colour pictures that the camera delivered.
        depth_counts: the same of its depth pictures.
    """

    def __init__(
        self,
        stream: RobotCameraSection,
        find_device: FindDevice = find_device,
        *,
        identical_limit: int | None = IDENTICAL_LIMIT,
        close_s: float = CLOSE_S,
    ) -> None:
        """`find_device` gives the `rs.device`; `identical_limit` None suits a stream without noise."""
        self.name = stream.name
        self.counts = StreamCounts()
        self.depth_counts = StreamCounts()
        self._stream = stream
        self._find_device = find_device
        self._identical_limit = identical_limit
        self._close_s = close_s
        self._sensors: OpenSensors | None = None
        self._colour: PictureStream | None = None
        self._depth: PictureStream | None = None

    def open(self) -> None:
        """Start streaming. Raises MissingHardwareError, ConfigError, MissingDependencyError."""
        load_librealsense()
        stream, device = self._stream, self._find_device(self._stream)
        sensor, self._profile = colour_stream(device, stream)
        shape = (stream.height, stream.width, 3)
        colour = PictureStream(self.name, shape, device, self.counts, self._identical_limit)
        wanted, depth = [Wanted(sensor, self._profile, colour.queue)], None
        if stream.depth is not None:
            name, shape_z = f"{self.name} depth", (stream.depth.height, stream.depth.width)
            depth = PictureStream(name, shape_z, device, self.depth_counts, self._identical_limit)
            wanted.append(Wanted(*depth_stream(device, stream), depth.queue))
        if on_slow_usb(device):
            log.warning("camera %r: %s, slower than USB 3; try another cable or port", self.name, describe(device))
        try:
            self._sensors = OpenSensors(wanted, options=not device.is_playback())
        except RuntimeError as error:
            raise MissingHardwareError(
                f"camera {self.name!r}: the {describe(device)} does not start ({error}); is another program using it?"
            ) from error
        self._colour, self._depth = colour, depth

    def intrinsics(self) -> Intrinsics:
        """Of the open stream. Raises ConfigError if librealsense does not know them, CameraError if it is not open."""
        if self._sensors is None:
            raise CameraError(self.name, "is not open")
        return intrinsics_of(self._profile, self.name)

    def read(self, timeout_s: float) -> Frame:
        """Wait for the next new colour picture that can be dated, uint8 [H, W, 3] RGB.

        Raises CameraError if none comes, the stream is frozen, or once when the camera's clock was set.
        """
        if self._colour is None:
            raise CameraError(self.name, "is not open")
        picture = self._colour.read(timeout_s)
        return Frame(self.name, picture.pixels, picture.number, picture.captured_ns)

    def read_depth(self, timeout_s: float) -> DepthFrame:
        """Wait for the next new depth picture that can be dated. Raises CameraError as `read`, or if none is wanted."""
        if self._depth is None:
            raise CameraError(self.name, "is not open" if self._stream.depth else "has no depth in the robot file")
        picture = self._depth.read(timeout_s)
        return DepthFrame(self.name, picture.pixels, picture.unit_m, picture.number, picture.captured_ns)

    def close(self) -> None:
        """Stop streaming; may be called twice. A camera that does not let go is left behind."""
        sensors, self._sensors, self._colour, self._depth = self._sensors, None, None, None
        if sensors is None:
            return
        for name, counts in ((self.name, self.counts), (f"{self.name} depth", self.depth_counts)):
            if counts.taken:
                log.info("camera %r: %d pictures, %s", name, counts.handed_out, counts.dated)
            if counts.repeated or counts.clock_steps:
                log.warning("camera %r so far: %s", name, counts)
        if not returns_within(self._close_s, sensors.close, f"closing {self.name}"):
            log.warning("camera %r: does not stop, it is left behind; replug it", self.name)

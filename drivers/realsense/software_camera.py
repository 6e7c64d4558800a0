"""A librealsense device without hardware: whoever holds it injects the pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.drivers.realsense.capture_time import StampDomain, wall_minus_monotonic_ns
from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import DepthFrame, Frame
from libra_edge.robot import DepthSection, RobotCameraSection

COLOUR_SENSOR, DEPTH_SENSOR = "RGB Camera", "Stereo Module"
BYTES_A_PIXEL = {"rgb8": 3, "z16": 2}


class SoftwareCamera:
    """An `rs.software_device` with a colour stream, and a depth stream where the robot file wants one."""

    def __init__(
        self,
        stream: RobotCameraSection,
        domain: StampDomain = StampDomain.GLOBAL,
        intrinsics: Intrinsics | None = None,
        *,
        one_sensor: bool = False,
    ) -> None:
        """Frames are stamped in `domain`; a D435 uses GLOBAL. `intrinsics` are told to who asks.

        With `one_sensor` colour comes from the depth sensor, as with a D405. Raises MissingDependencyError.
        """
        rs = self._rs = load_librealsense()
        self._stream = stream
        self._domain = getattr(rs.timestamp_domain, domain.value)
        self.device = rs.software_device()
        self.device.register_info(rs.camera_info.name, "software camera")
        self.device.register_info(rs.camera_info.serial_number, stream.name)
        colour = _video_stream("color", "rgb8", 1, stream)
        if intrinsics is not None:
            colour.intrinsics = _as_librealsense(intrinsics)
        self._colour_sensor = self.device.add_sensor(DEPTH_SENSOR if one_sensor else COLOUR_SENSOR)
        self._colour_sensor.add_option(rs.option.auto_exposure_priority, _switch_that_is_on(), True)
        self._colour = self._colour_sensor.add_video_stream(colour, True).as_video_stream_profile()
        if stream.depth is not None:
            self._depth_sensor = self._colour_sensor if one_sensor else self.device.add_sensor(DEPTH_SENSOR)
            depth = _video_stream("depth", "z16", 2, stream.depth)
            self._depth = self._depth_sensor.add_video_stream(depth, True).as_video_stream_profile()

    def inject(self, frame: Frame) -> None:
        """Deliver a frame, uint8 [H, W, 3] RGB, to whoever streams from the device."""
        picture = self._picture(frame, frame.image, self._colour)
        self._colour_sensor.on_video_frame(picture)

    def inject_depth(self, frame: DepthFrame) -> None:
        """Deliver a depth frame; only for a stream with depth."""
        picture = self._picture(frame, frame.depth, self._depth)
        picture.depth_units = frame.unit_m
        self._depth_sensor.on_video_frame(picture)

    def _picture(self, frame: Frame | DepthFrame, pixels: NDArray[Any], profile: Any) -> Any:
        picture = self._rs.software_video_frame()
        pixels = np.ascontiguousarray(pixels)
        picture.pixels = pixels
        picture.stride = pixels.strides[0]
        picture.bpp = pixels.strides[1]
        picture.timestamp = (frame.captured_ns + wall_minus_monotonic_ns()) / 1e6
        picture.domain = self._domain
        picture.frame_number = frame.number
        picture.profile = profile
        return picture


def _video_stream(kind: str, pixels: str, uid: int, size: RobotCameraSection | DepthSection) -> Any:
    """An `rs.video_stream`; `uid` tells streams of one device apart."""
    rs = load_librealsense()
    video = rs.video_stream()
    video.type, video.fmt, video.bpp = getattr(rs.stream, kind), getattr(rs.format, pixels), BYTES_A_PIXEL[pixels]
    video.index, video.uid = 0, uid
    video.width, video.height, video.fps = size.width, size.height, size.fps
    return video


def _switch_that_is_on() -> Any:
    """An `rs.option_range` like that of a new D435."""
    found = load_librealsense().option_range()
    found.min, found.max, found.step, found.default = 0, 1, 1, 1
    return found


def _as_librealsense(known: Intrinsics) -> Any:
    rs = load_librealsense()
    found = rs.intrinsics()
    found.width, found.height = known.width, known.height
    found.fx, found.fy, found.ppx, found.ppy = known.fx, known.fy, known.cx, known.cy
    found.model, found.coeffs = getattr(rs.distortion, known.distortion), list(known.coefficients)
    return found

"""A librealsense device without hardware: whoever holds it injects the pictures."""

from __future__ import annotations

from typing import Any

from libra_edge.drivers.realsense.capture_time import StampDomain, wall_minus_monotonic_ns
from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import Frame
from libra_edge.robot import RobotCameraSection


class SoftwareCamera:
    """An `rs.software_device` with one colour stream."""

    def __init__(
        self,
        stream: RobotCameraSection,
        domain: StampDomain = StampDomain.GLOBAL,
        intrinsics: Intrinsics | None = None,
    ) -> None:
        """Frames are stamped in `domain`; a D435 uses GLOBAL. `intrinsics` are told to who asks.

        Raises MissingDependencyError.
        """
        rs = self._rs = load_librealsense()
        self._intrinsics = intrinsics
        self._stream = stream
        self._domain = getattr(rs.timestamp_domain, domain.value)
        self.device = rs.software_device()
        self.device.register_info(rs.camera_info.name, "software camera")
        self.device.register_info(rs.camera_info.serial_number, stream.name)
        self._sensor = self.device.add_sensor("RGB Camera")
        profile = self._sensor.add_video_stream(self._video_stream(), True)
        self._profile = profile.as_video_stream_profile()

    def inject(self, frame: Frame) -> None:
        """Deliver a frame, uint8 [H, W, 3] RGB, to whoever streams from the device."""
        picture = self._rs.software_video_frame()
        picture.pixels = frame.image
        picture.stride = self._stream.width * 3
        picture.bpp = 3
        picture.timestamp = (frame.captured_ns + wall_minus_monotonic_ns()) / 1e6
        picture.domain = self._domain
        picture.frame_number = frame.number
        picture.profile = self._profile
        self._sensor.on_video_frame(picture)

    def _video_stream(self) -> Any:
        rs, stream = self._rs, self._stream
        video = rs.video_stream()
        video.type, video.fmt, video.bpp = rs.stream.color, rs.format.rgb8, 3
        video.index, video.uid = 0, 1
        video.width, video.height, video.fps = stream.width, stream.height, stream.fps
        if self._intrinsics is not None:
            video.intrinsics = self._as_librealsense(self._intrinsics)
        return video

    def _as_librealsense(self, known: Intrinsics) -> Any:
        found = self._rs.intrinsics()
        found.width, found.height = known.width, known.height
        found.fx, found.fy, found.ppx, found.ppy = known.fx, known.fy, known.cx, known.cy
        found.model, found.coeffs = getattr(self._rs.distortion, known.distortion), list(known.coefficients)
        return found

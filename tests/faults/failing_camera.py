"""A camera on librealsense's software device, fed by a thread that can be told to feed it badly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.realsense.capture_time import StampDomain
from libra_edge.drivers.realsense.software_camera import SoftwareCamera
from libra_edge.drivers.simulation.direct_camera import DirectCamera
from libra_edge.errors import MissingDependencyError, MissingHardwareError
from libra_edge.messages import Frame, UInt8
from libra_edge.protocols import Camera
from libra_edge.robot import RobotCameraSection
from tests.runtime_policy.fakes import ROBOT

Feed = Callable[[Frame], Frame | None]
"""What becomes of a picture on its way: None if it is lost."""


@dataclass
class CameraRig:
    """One camera and its feeder.

    Attributes:
        fault: what becomes of each picture.
        plugged: an unplugged device is not found.
        lost: what was opened gives nothing any more, until it is opened again.
        opened: how often somebody tried to open it.
    """

    stream: RobotCameraSection
    domain: StampDomain = StampDomain.HARDWARE
    fault: Feed = field(default=lambda frame: frame)
    plugged: bool = True
    lost: bool = False
    opened: int = 0

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._feed, name=f"feeder {self.stream.name}", daemon=True)
        self._noise = np.random.default_rng(len(self.stream.name)).integers(
            40, 216, (self.stream.height, self.stream.width, 3), dtype=np.uint8
        )
        self.through_librealsense = True
        try:
            self._software = SoftwareCamera(self.stream, self.domain)
            self.camera: Camera = RealSenseCamera(self.stream, self._find)
            self._deliver = self._software.inject
        except MissingDependencyError:
            self.through_librealsense = False
            direct = DirectCamera(self.stream.name)
            self.camera, self._deliver = direct, direct.inject

    def start(self) -> None:
        """Open the camera and begin to feed it."""
        self.camera.open()
        self._thread.start()

    def stop(self) -> None:
        """Feed no more and close the camera."""
        self._stopping.set()
        self._thread.join()
        self.camera.close()

    def picture(self, number: int) -> UInt8:
        """Noise unlike any other, uint8 [H, W, 3], never black."""
        picture: UInt8 = self._noise ^ np.uint8(number % 32)
        return picture

    def _find(self, _stream: RobotCameraSection) -> Any:
        self.opened += 1
        if not self.plugged:
            raise MissingHardwareError(f"camera {self.stream.name!r} is not connected")
        if self.lost:  # a device that was plugged in again is another one to librealsense
            self._software = SoftwareCamera(self.stream, self.domain)
            self._deliver = self._software.inject
            self.lost = False
        return self._software.device

    def _feed(self) -> None:
        number, due = 0, time.monotonic()
        while not self._stopping.is_set():
            number, due = number + 1, due + 1.0 / self.stream.fps
            self._stopping.wait(max(0.0, due - time.monotonic()))
            frame = self.fault(Frame(self.stream.name, self.picture(number), number, time.monotonic_ns()))
            if frame is not None and not self.lost:
                self._deliver(frame)


def camera_rigs() -> list[CameraRig]:
    """One a camera of koch-sim."""
    return [CameraRig(stream) for stream in ROBOT.camera]

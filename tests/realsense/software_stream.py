"""A software camera and what the tests inject into it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.realsense.capture_time import StampDomain
from libra_edge.drivers.realsense.software_camera import SoftwareCamera
from libra_edge.messages import Frame, UInt8, UInt16
from libra_edge.robot import DepthSection, RobotCameraSection

STREAM = RobotCameraSection(name="front", width=32, height=18, fps=15)
DEPTH = DepthSection(width=24, height=12, fps=30)
UNIT_M = 0.0001


def noise(seed: int) -> UInt8:
    """A picture unlike any other, uint8 [18, 32, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (STREAM.height, STREAM.width, 3), dtype=np.uint8)


def relief(seed: int) -> UInt16:
    """A depth picture unlike any other, uint16 [12, 24]."""
    return np.random.default_rng(seed).integers(0, 65_536, (DEPTH.height, DEPTH.width), dtype=np.uint16)


class Bench:
    """A software device with the camera under test on it."""

    def __init__(self, domain: StampDomain = StampDomain.GLOBAL, **options: Any) -> None:
        self.software = SoftwareCamera(STREAM, domain)
        self.camera = RealSenseCamera(STREAM, lambda _: self.software.device, **options)

    def inject(self, number: int, image: UInt8 | None = None, age_ns: int = 0) -> Frame:
        """Deliver one picture taken `age_ns` ago."""
        picture = noise(number) if image is None else image
        frame = Frame(STREAM.name, picture, number, time.monotonic_ns() - age_ns)
        self.software.inject(frame)
        return frame

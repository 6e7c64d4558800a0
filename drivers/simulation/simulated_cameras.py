"""The simulated robot's cameras, in the runtime's process: through librealsense where it can be loaded."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.realsense.software_camera import SoftwareCamera
from libra_edge.drivers.simulation.direct_camera import DirectCamera
from libra_edge.drivers.simulation.frame_feeder import Deliver
from libra_edge.drivers.simulation.scene import VIEWS
from libra_edge.errors import MissingDependencyError
from libra_edge.intrinsics import Intrinsics
from libra_edge.protocols import Camera
from libra_edge.robot import RobotCameraSection

log = logging.getLogger(__name__)


def simulated_cameras(streams: Sequence[RobotCameraSection]) -> list[tuple[Camera, Deliver]]:
    """A camera for each stream, with the function that delivers frames to it."""
    try:
        return [_through_librealsense(stream) for stream in streams]
    except MissingDependencyError as error:
        log.warning("librealsense cannot be loaded: simulated frames are handed over directly (%s)", error)
        return [_direct(stream) for stream in streams]


def _through_librealsense(stream: RobotCameraSection) -> tuple[Camera, Deliver]:
    software = SoftwareCamera(stream, intrinsics=_intrinsics(stream))
    # Ray-cast pictures have no noise: a scene at rest gives equal ones.
    return RealSenseCamera(stream, lambda _: software.device, identical_limit=None), software.inject


def _direct(stream: RobotCameraSection) -> tuple[Camera, Deliver]:
    camera = DirectCamera(stream.name, _intrinsics(stream))
    return camera, camera.inject


def _intrinsics(stream: RobotCameraSection) -> Intrinsics | None:
    """Of the simulated lens; None for a camera that the scene does not have."""
    view = next((view for view in VIEWS if view.name == stream.name), None)
    return None if view is None else Intrinsics.of_view(stream.width, stream.height, math.radians(view.fov_deg))

"""An observation as the arrays that the graphs take; pictures go in as they came."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.errors import EngineError
from libra_edge.messages import Observation
from libra_edge.model_spec import CameraSection, ModelSpec


def camera_inputs(observation: Observation, cameras: tuple[CameraSection, ...], system: str) -> dict[str, NDArray[Any]]:
    """`image_<camera>` -> uint8 [1, H, W, 3] for a system's cameras.

    Raises EngineError if a camera is missing or its picture is of another size.
    """
    images = {}
    for camera in cameras:
        frame = observation.frames.get(camera.name)
        if frame is None:
            raise EngineError(system, f"it looks through camera {camera.name!r}, which the observation lacks")
        if frame.image.shape != (camera.height, camera.width, 3):
            raise EngineError(
                system,
                f"camera {camera.name!r} gives {frame.image.shape[1]}x{frame.image.shape[0]} pixels, "
                f"the model takes {camera.width}x{camera.height}",
            )
        images[f"image_{camera.name}"] = frame.image[np.newaxis]
    return images


def state_input(observation: Observation, spec: ModelSpec) -> NDArray[Any]:
    """Measured joint positions, rad, float32 [1, D]; the graphs normalise them themselves. Raises EngineError."""
    position = observation.joints.position
    if position.shape != (len(spec.action.joints),):
        raise EngineError("joint state", f"{position.shape[0]} joints, the model has {len(spec.action.joints)}")
    return position.astype(np.float32)[np.newaxis]

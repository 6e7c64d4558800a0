"""Does this policy fit this robot? Asked before anything moves."""

from __future__ import annotations

from libra_edge.errors import ConfigError
from libra_edge.model_spec import ModelSpec
from libra_edge.robot import Robot

FRAMES_TO_MISS = 10
"""A camera that is silent for so many frames shows the past. Fewer would make a busy computer halt the arm."""


def check_fit(spec: ModelSpec, robot: Robot) -> None:
    """Raises ConfigError if joints or cameras of the policy are not the robot's."""
    if spec.action.joints != robot.joint_names:
        ours, theirs = ", ".join(robot.joint_names), ", ".join(spec.action.joints)
        raise ConfigError(f"model {spec.name!r} moves the joints {theirs}; robot {robot.name!r} has {ours}")
    cameras = {camera.name: camera for camera in robot.camera}
    for wanted in spec.camera:
        camera = cameras.get(wanted.name)
        if camera is None:
            raise ConfigError(
                f"model {spec.name!r} looks through a camera {wanted.name!r}; robot {robot.name!r} has none"
            )
        if (camera.width, camera.height) != (wanted.width, wanted.height):
            raise ConfigError(
                f"camera {wanted.name!r} of robot {robot.name!r} gives {camera.width}x{camera.height} pixels, "
                f"model {spec.name!r} takes {wanted.width}x{wanted.height}; change the robot file"
            )


def max_frame_ages_ns(spec: ModelSpec, robot: Robot) -> dict[str, int]:
    """How old the newest frame of each of the policy's cameras may be, nanoseconds."""
    wanted = {camera.name for camera in spec.camera}
    return {camera.name: round(FRAMES_TO_MISS / camera.fps * 1e9) for camera in robot.camera if camera.name in wanted}

"""What `libra-edge doctor` asks librealsense: is each camera of the robot file there, does it offer what is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from libra_edge.cli.check import Check, judged
from libra_edge.drivers.realsense.devices import colour_stream, describe, find_device, on_slow_usb
from libra_edge.errors import ConfigError, MissingDependencyError, MissingHardwareError
from libra_edge.robot import Robot, RobotCameraSection


def realsense_cameras(
    robot: Robot, find: Callable[[RobotCameraSection], Any] = find_device, *, needed: bool
) -> list[Check]:
    """One check a camera of the robot file; one alone without librealsense."""
    checks = []
    for stream in robot.camera:
        try:
            checks.append(_camera(stream, find(stream), needed=needed))
        except MissingDependencyError as error:
            return [judged("RealSense", False, "librealsense cannot be loaded", str(error), needed=needed)]
        except (MissingHardwareError, ConfigError) as error:
            checks.append(judged(f"camera {stream.name}", False, "cannot be used", str(error), needed=needed))
        except RuntimeError as error:
            advice = "replug the camera, then look at: sudo dmesg | tail"
            checks.append(judged(f"camera {stream.name}", False, f"librealsense: {error}", advice, needed=needed))
    return checks


def _camera(stream: RobotCameraSection, device: Any, *, needed: bool) -> Check:
    """The device and the profile asked of it; a fall-back to USB 2 is no more than a warning. Raises ConfigError."""
    colour_stream(device, stream)
    name, found = f"camera {stream.name}", f"{describe(device)}, {stream.width}x{stream.height}@{stream.fps}"
    slow = on_slow_usb(device)
    advice = "it fell back to USB 2: use the cable it came with, in a blue or SS port, without a hub"
    return judged(name, not slow, found, advice, needed=needed and not slow)

"""Finds the RealSense camera of a stream, connected or recorded, and the profile asked of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.drivers.realsense.recorded_device import load_recording
from libra_edge.errors import ConfigError, MissingHardwareError
from libra_edge.robot import RobotCameraSection


def find_device(stream: RobotCameraSection) -> Any:
    """The `rs.device` of a stream: a recording if it names one, else what is connected. Raises as these two do."""
    return load_recording(stream) if stream.recording else find_connected(stream)


def find_connected(stream: RobotCameraSection) -> Any:
    """The connected `rs.device` with the stream's serial, or the only one if it names none.

    Raises MissingHardwareError if it is not there, ConfigError if the choice is open, MissingDependencyError.
    """
    rs = load_librealsense()
    devices = {_info(device, rs.camera_info.serial_number): device for device in rs.context().query_devices()}
    found = ", ".join(sorted(devices)) or "none"
    if not stream.serial and len(devices) > 1:
        raise ConfigError(
            f"camera {stream.name!r}: several RealSense cameras are connected ({found}); "
            'pick one by its number, serial = "..." under [[camera]] in the robot file'
        )
    wanted = stream.serial or next(iter(devices), None)
    if wanted not in devices:
        number = f" with serial number {stream.serial}" if stream.serial else ""
        raise MissingHardwareError(
            f"camera {stream.name!r}: looked on USB for a RealSense camera{number} (connected: {found}); "
            "list cameras with rs-enumerate-devices, or use --robot koch-sim, which needs none"
        )
    return devices[wanted]


def colour_stream(device: Any, stream: RobotCameraSection) -> tuple[Any, Any]:
    """The `rs.sensor` and its `rs.stream_profile` for WxH rgb8 at fps. Raises ConfigError listing what is offered."""
    return _profile(device, "color", "rgb8", stream.name, _Asked(stream.width, stream.height, stream.fps))


def depth_stream(device: Any, stream: RobotCameraSection) -> tuple[Any, Any]:
    """The same of the stream's depth, WxH z16 at fps; not for a stream without one. Raises as `colour_stream`."""
    asked = stream.depth
    if asked is None:
        raise ConfigError(f"camera {stream.name!r} has no depth in the robot file")
    return _profile(device, "depth", "z16", stream.name, _Asked(asked.width, asked.height, asked.fps))


class _Asked(NamedTuple):
    """Pixels and pictures a second."""

    width: int
    height: int
    fps: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}@{self.fps}"


def _profile(device: Any, kind: str, pixels: str, camera: str, asked: _Asked) -> tuple[Any, Any]:
    rs = load_librealsense()
    wanted = (getattr(rs.stream, kind), getattr(rs.format, pixels))
    offered: set[_Asked] = set()
    for sensor in device.query_sensors():
        for profile in sensor.get_stream_profiles():
            if (profile.stream_type(), profile.format()) != wanted:
                continue
            video = profile.as_video_stream_profile()
            size = _Asked(video.width(), video.height(), profile.fps())
            if size == asked:
                return sensor, profile
            offered.add(size)
    listed = ", ".join(map(str, sorted(offered))) or "none"
    slow = "; behind USB 2 it offers less than behind USB 3" if on_slow_usb(device) else ""
    name = "colour" if kind == "color" else kind
    raise ConfigError(
        f"camera {camera!r}: the {describe(device)} has no {name} stream {asked}; it offers: {listed}{slow}"
    )


def describe(device: Any) -> str:
    """Model, serial number and USB version, as far as the device tells."""
    rs = load_librealsense()
    usb = _info(device, rs.camera_info.usb_type_descriptor)
    parts = [_info(device, rs.camera_info.name), _info(device, rs.camera_info.serial_number), usb and f"on USB {usb}"]
    return " ".join(part for part in parts if part)


def on_slow_usb(device: Any) -> bool:
    """Whether a USB 3 camera fell back to USB 2, as it does behind a poor cable."""
    usb: str = _info(device, load_librealsense().camera_info.usb_type_descriptor)
    return usb.startswith("2")


def _info(device: Any, kind: Any) -> Any:
    return device.get_info(kind) if device.supports(kind) else ""

"""A librealsense recording in place of a connected camera: `recording = "PATH"` in the robot file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.errors import ConfigError
from libra_edge.robot import RobotCameraSection

SUFFIXES = (".db3", ".bag")


def load_recording(stream: RobotCameraSection) -> Any:
    """The `rs.device` that plays the stream's file at the speed it was recorded with, from its beginning.

    Raises ConfigError if there is no such file or librealsense cannot read it, MissingDependencyError.
    """
    rs, path = load_librealsense(), Path(stream.recording)
    if path.suffix not in SUFFIXES or not path.is_file():
        raise ConfigError(
            f"camera {stream.name!r}: {path} is no recording; "
            f'recording = "PATH" takes a file of librealsense\'s recorder, {" or ".join(SUFFIXES)}'
        )
    try:
        return rs.context().load_device(str(path))
    except RuntimeError as error:
        raise ConfigError(f"camera {stream.name!r}: librealsense cannot play {path} ({error})") from error


def has_ended(device: Any) -> bool:
    """Whether a recording was played to its end; False for a connected camera."""
    if not device.is_playback():
        return False
    stopped = load_librealsense().playback_status.stopped
    return bool(device.as_playback().current_status() == stopped)

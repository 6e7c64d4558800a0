"""What `libra-edge doctor` asks librealsense: is each camera there, does it offer what is asked, and does it deliver.

Each camera streams for about a second: only pictures tell how they are dated, and whether they come at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from libra_edge.cli.check import Check, judged
from libra_edge.cli.quieted_log import quieted_log
from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.realsense.capture_time import StampDomain
from libra_edge.drivers.realsense.devices import describe, find_device, on_slow_usb
from libra_edge.errors import CameraError, ConfigError, InputError, MissingDependencyError, MissingHardwareError
from libra_edge.robot import Robot, RobotCameraSection

DRIVER_LOG = "libra_edge.drivers.realsense"
"""What it says of a camera stands in the check's line already."""
SYSFS = Path("/sys")
REALSENSE = "RealSense"
PICTURES = 30
SILENCE_S = 1.0
SLOW_SHARE = 0.7
USB_ADVICE = "it fell back to USB 2: use the cable it came with, in a blue or SS port, without a hub"
RULES_ADVICE = (
    "close other programs that use it; if there are none, install librealsense's udev rules "
    "(99-realsense-libusb.rules, from its repository), and replug the camera"
)
DARK_ADVICE = "it gives fewer pictures than its profile says: more light, or a shorter exposure"
ARRIVAL_ADVICE = (
    "its pictures look younger than they are: the kernel hands over no metadata; install librealsense's patched "
    "modules (librealsense2-dkms), or a librealsense that was built with RSUSB"
)


def realsense_cameras(
    robot: Robot,
    find: Callable[[RobotCameraSection], Any] = find_device,
    *,
    needed: bool,
    silence_s: float = SILENCE_S,
    sysfs: Path = SYSFS,
) -> list[Check]:
    """One check a camera of the robot file; one alone without librealsense. `silence_s` is waited for a picture."""
    checks = []
    for stream in robot.camera:
        name = f"camera {stream.name}"
        try:
            with quieted_log(DRIVER_LOG, logging.CRITICAL):
                checks.append(_camera(stream, find(stream), silence_s, needed=needed))
        except MissingDependencyError as error:
            return [judged("RealSense", False, "librealsense cannot be loaded", str(error), needed=needed)]
        except MissingHardwareError as error:
            on_usb = ", ".join(realsense_on_usb(sysfs))
            found = f"cannot be opened, though on USB: {on_usb}" if on_usb else "none on USB"
            advice = RULES_ADVICE if on_usb else _told(error, stream)
            checks.append(judged(name, False, found, advice, needed=needed))
        except ConfigError as error:
            checks.append(
                judged(name, False, "cannot be used as the robot file says", _told(error, stream), needed=needed)
            )
        except RuntimeError as error:
            advice = "replug the camera, then look at: sudo dmesg | tail"
            checks.append(judged(name, False, f"librealsense: {error}", advice, needed=needed))
    return checks


def realsense_on_usb(sysfs: Path = SYSFS) -> list[str]:
    """Cameras that the kernel lists, with the speed of their link, whatever librealsense says."""
    found = []
    for product in sorted((sysfs / "bus/usb/devices").glob("*/product")):
        name = _text(product)
        if REALSENSE in name:
            found.append(f"{name} at {_text(product.with_name('speed'))} Mbit/s")
    return found


def _told(error: InputError, stream: RobotCameraSection) -> str:
    """Without the name, which the line says already."""
    return str(error).removeprefix(f"camera {stream.name!r}: ")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _camera(stream: RobotCameraSection, device: Any, silence_s: float, *, needed: bool) -> Check:
    """The device, its profile, and what comes of it. Raises ConfigError, MissingHardwareError."""
    name, found = f"camera {stream.name}", f"{_device(stream, device)}, {_profiles(stream)}"
    camera = RealSenseCamera(stream, lambda _: device)
    camera.open()
    try:
        rate_hz = _watch(camera, silence_s, ends=bool(stream.recording))
        if stream.depth is not None:
            camera.read_depth(silence_s)
    except CameraError as error:
        return judged(name, False, f"{found}: {error.problem}", "replug the camera", needed=needed)
    finally:
        camera.close()
    if stream.recording:
        return judged(name, True, found, "")
    found = f"{found}, {rate_hz:.0f} pictures/s, {camera.counts.dated}"
    if on_slow_usb(device):
        return judged(name, False, found, USB_ADVICE, needed=False)
    if camera.counts.domain is StampDomain.SYSTEM:
        return judged(name, False, found, ARRIVAL_ADVICE, needed=False)
    return judged(name, rate_hz >= SLOW_SHARE * stream.fps, found, DARK_ADVICE, needed=False)


def _watch(camera: RealSenseCamera, silence_s: float, *, ends: bool) -> float:
    """Pictures a second. Raises CameraError if they stop to come, unless the stream may end after the first."""
    camera.read(silence_s)  # it takes as long as the camera needs to start
    begun, taken = time.monotonic(), 0
    try:
        for taken in range(1, PICTURES + 1):  # noqa: B007 - counts what came before an end
            camera.read(silence_s)
    except CameraError:
        if not ends:
            raise
    return taken / (time.monotonic() - begun)


def _device(stream: RobotCameraSection, device: Any) -> str:
    return f"{stream.recording} of a {describe(device)}" if stream.recording else describe(device)


def _profiles(stream: RobotCameraSection) -> str:
    depth = f" and depth {stream.depth.width}x{stream.depth.height}@{stream.depth.fps}" if stream.depth else ""
    return f"{stream.width}x{stream.height}@{stream.fps}{depth}"

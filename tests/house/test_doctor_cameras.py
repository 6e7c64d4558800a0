"""What `libra-edge doctor` asks the cameras: software devices that a thread feeds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libra_edge.cli.camera_checks import realsense_cameras, realsense_on_usb
from libra_edge.cli.check import Check
from libra_edge.drivers.realsense.capture_time import StampDomain
from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.drivers.realsense.software_camera import SoftwareCamera
from libra_edge.errors import MissingDependencyError, MissingHardwareError
from libra_edge.messages import DepthFrame, Frame
from libra_edge.robot import DepthSection, Robot, RobotCameraSection, open_robot

KOCH = open_robot("koch")
STREAM = RobotCameraSection(name="front", width=32, height=18, fps=90)
DEPTH = DepthSection(width=24, height=12, fps=90)
PATIENT_S, SHORT_S = 5.0, 0.2


def robot_with(*streams: RobotCameraSection) -> Robot:
    return KOCH.model_copy(update={"camera": streams})


@contextmanager
def fed(
    stream: RobotCameraSection,
    *,
    usb: str = "3.2",
    domain: StampDomain = StampDomain.GLOBAL,
    hz: float = 90.0,
    with_depth: bool = True,
) -> Iterator[Any]:
    """The `rs.device` of a software camera that delivers `hz` pictures a second of each of its streams."""
    software, stopping, noise = SoftwareCamera(stream, domain), threading.Event(), np.random.default_rng(1)
    software.device.register_info(load_librealsense().camera_info.usb_type_descriptor, usb)

    def feed() -> None:
        number = 0
        while not stopping.wait(1 / hz):
            number, now_ns = number + 1, time.monotonic_ns()
            image = noise.integers(0, 256, (stream.height, stream.width, 3), dtype=np.uint8)
            software.inject(Frame(stream.name, image, number, now_ns))
            if stream.depth is not None and with_depth:
                shape = (stream.depth.height, stream.depth.width)
                depth = noise.integers(0, 65_536, shape, dtype=np.uint16)
                software.inject_depth(DepthFrame(stream.name, depth, 0.001, number, now_ns))

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield software.device
    finally:
        stopping.set()
        thread.join()


def check_of(stream: RobotCameraSection, **how: Any) -> Check:
    with fed(stream, **how) as device:
        (check,) = realsense_cameras(robot_with(stream), lambda _: device, needed=True, silence_s=PATIENT_S)
    return check


def test_a_camera_with_its_profile_usb_rate_and_dating() -> None:
    check = check_of(STREAM)
    assert check.name == "camera front"
    assert check.found.startswith("software camera front on USB 3.2, 32x18@90, ")
    assert " pictures/s, dated by the camera +- " in check.found


def test_depth_is_looked_at_too() -> None:
    assert "32x18@90 and depth 24x12@90, " in check_of(STREAM.model_copy(update={"depth": DEPTH})).found


def test_usb_2_is_said_once_and_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    check = check_of(STREAM, usb="2.1")
    assert caplog.records == []
    assert (check.ok, check.needed) == (False, False)
    assert "USB 2" in check.advice


def test_pictures_that_are_dated_on_arrival_are_said_and_no_fault() -> None:
    check = check_of(STREAM, domain=StampDomain.SYSTEM)
    assert (check.ok, check.needed) == (False, False)
    assert check.found.endswith("dated on arrival")
    assert "metadata" in check.advice


def test_a_camera_that_keeps_half_its_rate_is_said_and_no_fault() -> None:
    check = check_of(STREAM, hz=45.0)
    assert (check.ok, check.needed) == (False, False)
    assert "more light" in check.advice


def test_a_camera_that_delivers_nothing() -> None:
    silent = SoftwareCamera(STREAM)
    (check,) = realsense_cameras(robot_with(STREAM), lambda _: silent.device, needed=True, silence_s=SHORT_S)
    assert check.needed
    assert "sent no frame" in check.found
    assert "replug" in check.advice


def test_a_camera_whose_depth_delivers_nothing() -> None:
    stream = STREAM.model_copy(update={"depth": DEPTH})
    with fed(stream, with_depth=False) as device:
        (check,) = realsense_cameras(robot_with(stream), lambda _: device, needed=True, silence_s=SHORT_S)
    assert check.needed
    assert "sent no frame" in check.found


def test_a_profile_that_is_not_offered_lists_what_is() -> None:
    other = SoftwareCamera(STREAM.model_copy(update={"fps": 30}))
    (check,) = realsense_cameras(robot_with(STREAM), lambda _: other.device, needed=True)
    assert check.needed
    assert check.advice.startswith("the software camera front has no colour stream 32x18@90; it offers: 32x18@30")


def usb_device(sysfs: Path, place: str, product: str, speed: str) -> None:
    """Lay out a device as the kernel lists it."""
    folder = sysfs / "bus/usb/devices" / place
    folder.mkdir(parents=True)
    for name, text in (("product", product), ("speed", speed)):
        (folder / name).write_text(f"{text}\n")


def absent(stream: RobotCameraSection) -> Any:
    raise MissingHardwareError(f"camera {stream.name!r}: not there")


def test_a_camera_that_is_not_there(tmp_path: Path) -> None:
    checks = realsense_cameras(KOCH, absent, needed=True, sysfs=tmp_path)
    assert [(check.name, check.ok) for check in checks] == [("camera front", False), ("camera wrist", False)]
    assert [(check.found, check.advice) for check in checks] == 2 * [("none on USB", "not there")]


def test_a_camera_that_only_the_kernel_sees(tmp_path: Path) -> None:
    usb_device(tmp_path, "2-1", "Intel(R) RealSense(TM) Depth Camera 405", "5000")
    usb_device(tmp_path, "1-1", "USB <-> Serial Converter", "480")
    assert realsense_on_usb(tmp_path) == ["Intel(R) RealSense(TM) Depth Camera 405 at 5000 Mbit/s"]
    (check, _) = realsense_cameras(KOCH, absent, needed=True, sysfs=tmp_path)
    assert "cannot be opened, though on USB" in check.found
    assert "udev rules" in check.advice


def test_librealsense_that_breaks() -> None:
    def find(_stream: RobotCameraSection) -> Any:
        raise RuntimeError("no memory")

    (check, _) = realsense_cameras(KOCH, find, needed=True)
    assert "no memory" in check.found


def test_librealsense_that_cannot_be_loaded_is_said_once() -> None:
    def find(_stream: RobotCameraSection) -> Any:
        raise MissingDependencyError("pyrealsense2", "install it")

    (check,) = realsense_cameras(KOCH, find, needed=True)
    assert "install it" in check.advice

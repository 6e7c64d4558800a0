"""Which of the connected cameras is meant, and what is said if none is."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from libra_edge.drivers.realsense import devices, librealsense
from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.realsense.software_camera import SoftwareCamera
from libra_edge.errors import ConfigError, MissingDependencyError, MissingHardwareError
from tests.realsense.software_stream import STREAM


def connect(monkeypatch: pytest.MonkeyPatch, *serials: str) -> None:
    """Let librealsense find software devices with these serial numbers, and nothing else."""
    rs = librealsense.load_librealsense()
    software = [SoftwareCamera(STREAM.model_copy(update={"name": serial})).device for serial in serials]
    context: Any = lambda: SimpleNamespace(query_devices=lambda: software)  # noqa: E731
    monkeypatch.setattr(rs, "context", context)


def test_no_camera_says_what_was_looked_for_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch)
    with pytest.raises(MissingHardwareError, match=r"'front'.*connected: none.*rs-enumerate-devices.*koch-sim"):
        RealSenseCamera(STREAM).open()


def test_only_camera_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, "1234")
    assert devices.describe(devices.find_connected(STREAM)).endswith("1234")


def test_serial_number_picks_the_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, "1234", "5678")
    wanted = STREAM.model_copy(update={"serial": "5678"})
    assert devices.describe(devices.find_connected(wanted)).endswith("5678")


def test_open_choice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, "1234", "5678")
    with pytest.raises(ConfigError, match=r"several.*1234, 5678.*serial"):
        devices.find_connected(STREAM)


def test_wrong_serial_lists_what_is_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, "1234")
    with pytest.raises(MissingHardwareError, match=r"serial number 9999 \(connected: 1234\)"):
        devices.find_connected(STREAM.model_copy(update={"serial": "9999"}))


def test_missing_binding_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'libra-edge\[realsense\]'"):
        librealsense.load_librealsense.__wrapped__()


def test_a_profile_that_usb_2_lacks_says_so() -> None:
    software = SoftwareCamera(STREAM)
    software.device.register_info(librealsense.load_librealsense().camera_info.usb_type_descriptor, "2.1")
    with pytest.raises(ConfigError, match=r"on USB 2\.1 has no colour stream .*@60; it offers: 32x18@15; behind USB 2"):
        devices.colour_stream(software.device, STREAM.model_copy(update={"fps": 60}))


def test_a_camera_on_usb_2_is_announced_when_it_opens(caplog: pytest.LogCaptureFixture) -> None:
    software = SoftwareCamera(STREAM)
    software.device.register_info(librealsense.load_librealsense().camera_info.usb_type_descriptor, "2.1")
    camera = RealSenseCamera(STREAM, lambda _: software.device)
    camera.open()
    camera.close()
    assert "on USB 2.1, slower than USB 3" in caplog.text


def test_exposure_does_not_slow_the_rate() -> None:
    software = SoftwareCamera(STREAM)
    option = librealsense.load_librealsense().option.auto_exposure_priority
    (sensor,) = software.device.query_sensors()
    assert sensor.get_option(option) == 1
    camera = RealSenseCamera(STREAM, lambda _: software.device)
    camera.open()
    assert sensor.get_option(option) == 0
    camera.close()

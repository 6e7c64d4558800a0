"""A camera that was unplugged and does not let go: closing it comes back all the same."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.realsense.software_camera import SoftwareCamera
from libra_edge.errors import CameraError
from tests.realsense.software_stream import STREAM, Bench


class HangingSensor:
    """The software device's sensor, whose `stop` does not return before `released` is set."""

    def __init__(self, sensor: Any, released: threading.Event) -> None:
        self._sensor = sensor
        self._released = released

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sensor, name)

    def stop(self) -> None:
        self._released.wait()
        self._sensor.stop()


class HangingDevice:
    """The software device with such a sensor."""

    def __init__(self, device: Any, released: threading.Event) -> None:
        self._device = device
        self._released = released

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)

    def query_sensors(self) -> list[HangingSensor]:
        return [HangingSensor(sensor, self._released) for sensor in self._device.query_sensors()]


def test_a_camera_that_does_not_let_go_is_left_behind_and_the_next_is_opened(caplog: pytest.LogCaptureFixture) -> None:
    released, second = threading.Event(), Bench()
    devices = iter([HangingDevice(SoftwareCamera(STREAM).device, released), second.software.device])
    camera = RealSenseCamera(STREAM, lambda _: next(devices), close_s=0.05)
    camera.open()
    camera.close()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "'front': does not stop, it is left behind" in caplog.text
    with pytest.raises(CameraError, match="not open"):
        camera.read(0.01)
    camera.open()
    second.inject(7)
    assert camera.read(5.0).number == 7
    camera.close()
    released.set()

"""The runtime's end of the simulated cameras, with and without librealsense."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from queue import Queue

import numpy as np
import pytest

from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.drivers.simulation.direct_camera import DirectCamera
from libra_edge.drivers.simulation.frame_channel import FrameReader, FrameWriter
from libra_edge.drivers.simulation.frame_feeder import FrameFeeder
from libra_edge.drivers.simulation.simulated_cameras import simulated_cameras
from libra_edge.errors import CameraError
from libra_edge.messages import Frame
from libra_edge.protocols import Camera
from tests.simulation_process.small_robot import FRONT, WRIST

LATEST_S = 5.0


@pytest.fixture
def without_librealsense(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    load_librealsense.cache_clear()
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    yield
    load_librealsense.cache_clear()


def picture(number: int) -> Frame:
    image = np.full((FRONT.height, FRONT.width, 3), number, dtype=np.uint8)
    return Frame("front", image, number, number)


def test_frames_come_through_librealsense() -> None:
    cameras = simulated_cameras([FRONT, WRIST])
    assert [type(camera) for camera, _ in cameras] == [RealSenseCamera, RealSenseCamera]
    assert [camera.name for camera, _ in cameras] == ["front", "wrist"]


def test_scene_at_rest_is_not_taken_for_a_hanging_camera() -> None:
    [(camera, deliver)] = simulated_cameras([FRONT])
    camera.open()
    still = picture(1).image
    for number in range(20):
        deliver(Frame("front", still, number, time.monotonic_ns()))
        assert camera.read(LATEST_S).number == number
    camera.close()


@pytest.mark.usefixtures("without_librealsense")
def test_fallback_hands_frames_over_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    cameras = simulated_cameras([FRONT, WRIST])
    assert [type(camera) for camera, _ in cameras] == [DirectCamera, DirectCamera]
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "handed over directly" in caplog.text


def test_direct_camera_gives_the_newest_frame_once() -> None:
    camera = DirectCamera("front")
    assert isinstance(camera, Camera)
    camera.inject(picture(1))
    camera.open()
    for number in (2, 3):
        camera.inject(picture(number))
    assert camera.read(LATEST_S).number == 3
    with pytest.raises(CameraError, match="sent no frame"):
        camera.read(0.01)
    camera.close()
    camera.close()
    with pytest.raises(CameraError, match="not open"):
        camera.read(LATEST_S)


def test_feeder_delivers_what_the_bell_announces_and_ends_with_it() -> None:
    writer = FrameWriter([WRIST, FRONT])
    listening, ringing = os.pipe()
    delivered: Queue[Frame] = Queue()
    sinks = [("wrist", delivered.put), ("front", delivered.put)]
    feeder = FrameFeeder(listening, FrameReader(writer.path, [WRIST, FRONT]), sinks)
    feeder.start()
    for number in (5, 6):
        writer.publish(picture(number))
        os.write(ringing, bytes([1]))
        frame = delivered.get(timeout=LATEST_S)
        assert (frame.camera, frame.number) == ("front", number)
        np.testing.assert_array_equal(frame.image, picture(number).image)
    os.write(ringing, bytes([0, 1]))  # nothing came from the wrist, nothing new from the front
    os.close(ringing)
    feeder.join()
    assert delivered.empty()

"""Recordings of librealsense as cameras: recorded here from a software device, played back by the driver."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.drivers.realsense.software_camera import SoftwareCamera
from libra_edge.errors import CameraError, ConfigError
from libra_edge.messages import Frame
from libra_edge.robot import RobotCameraSection
from tests.realsense.software_stream import STREAM, noise

PICTURES = 8
HOUR_NS = 3_600_000_000_000
LATEST_S = 2.0


@pytest.fixture
def recording(tmp_path: Path) -> RobotCameraSection:
    """A stream out of a file that was recorded an hour ago."""
    rs, path = load_librealsense(), tmp_path / "bench.db3"
    software = SoftwareCamera(STREAM)
    recorder = rs.recorder(str(path), software.device)
    sensor, queue = recorder.query_sensors()[0], rs.frame_queue(PICTURES)
    sensor.open(sensor.get_stream_profiles()[0])
    sensor.start(queue)
    for number in range(1, PICTURES + 1):
        software.inject(Frame(STREAM.name, noise(number), number, time.monotonic_ns() - HOUR_NS))
        time.sleep(1 / STREAM.fps)  # it plays at the pace at which it was recorded
    sensor.stop()
    sensor.close()
    return STREAM.model_copy(update={"recording": str(path)})


def until_the_end(camera: RealSenseCamera) -> Iterator[Frame]:
    while True:
        try:
            frame = camera.read(LATEST_S)
        except CameraError as error:
            if "end of its recording" not in error.problem:
                raise
            return
        yield frame


def test_a_recording_plays_as_a_camera_dated_now(recording: RobotCameraSection) -> None:
    camera = RealSenseCamera(recording)
    before_ns = time.monotonic_ns()
    camera.open()
    frames = list(until_the_end(camera))
    camera.close()
    assert [frame.number for frame in frames] == sorted({frame.number for frame in frames})
    assert len(frames) > PICTURES // 2
    for frame in frames:
        np.testing.assert_array_equal(frame.image, noise(frame.number))
        assert before_ns <= frame.captured_ns <= time.monotonic_ns()


def test_a_recording_that_is_opened_again_begins_anew(recording: RobotCameraSection) -> None:
    camera = RealSenseCamera(recording)
    for _ in range(2):
        camera.open()
        assert 1 <= camera.read(LATEST_S).number <= PICTURES
        camera.close()


def test_another_profile_than_the_recorded_one_lists_it(recording: RobotCameraSection) -> None:
    with pytest.raises(ConfigError, match="it offers: 32x18@15"):
        RealSenseCamera(recording.model_copy(update={"width": 64})).open()


@pytest.mark.parametrize(("name", "words"), [("none.db3", "no recording"), ("film.mp4", "no recording")])
def test_what_is_no_recording_is_refused(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film")
    with pytest.raises(ConfigError, match=words):
        RealSenseCamera(STREAM.model_copy(update={"recording": str(tmp_path / name)})).open()


def test_a_damaged_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.db3").write_bytes(b"abc" * 1000)
    with pytest.raises(ConfigError, match=r"cannot play .*bad\.db3"):
        RealSenseCamera(STREAM.model_copy(update={"recording": str(tmp_path / "bad.db3")})).open()

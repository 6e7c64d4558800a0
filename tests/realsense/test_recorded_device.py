"""Recordings of librealsense as cameras: recorded here from a software device, played back by the driver."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libra_edge.cli.camera_checks import realsense_cameras
from libra_edge.drivers.realsense.camera import RealSenseCamera
from libra_edge.drivers.realsense.librealsense import load_librealsense
from libra_edge.drivers.realsense.software_camera import SoftwareCamera
from libra_edge.errors import CameraError, ConfigError
from libra_edge.messages import DepthFrame, Frame
from libra_edge.robot import Robot, RobotCameraSection, open_robot
from libra_edge.runtime.camera_thread import CameraReport, camera_threads
from tests.realsense.software_stream import DEPTH, STREAM, UNIT_M, noise, relief

PICTURES = 8
HOUR_NS = 3_600_000_000_000
LATEST_S = 1.0
FAST = STREAM.model_copy(update={"fps": 60})


def record(stream: RobotCameraSection, path: Path) -> None:
    """Record PICTURES of every stream with librealsense's recorder, taken an hour ago by their stamps."""
    rs, software = load_librealsense(), SoftwareCamera(stream)
    recorder, queue = rs.recorder(str(path), software.device), rs.frame_queue(2 * PICTURES)
    sensors = recorder.query_sensors()
    for sensor in sensors:
        sensor.open(sensor.get_stream_profiles()[0])
        sensor.start(queue)
    for number in range(1, PICTURES + 1):
        taken_ns = time.monotonic_ns() - HOUR_NS
        software.inject(Frame(stream.name, noise(number), number, taken_ns))
        if stream.depth is not None:
            software.inject_depth(DepthFrame(stream.name, relief(number), UNIT_M, number, taken_ns))
        time.sleep(1 / stream.fps)  # the recorder notes when a picture came, and playback keeps that pace
    for sensor in sensors:
        sensor.stop()
        sensor.close()


@pytest.fixture
def recording(tmp_path: Path) -> RobotCameraSection:
    """A stream out of a file that was recorded an hour ago."""
    record(FAST, tmp_path / "bench.db3")
    return FAST.model_copy(update={"recording": str(tmp_path / "bench.db3")})


class Heard:
    """What the camera's thread gives and says, and how often the pictures began anew."""

    def __init__(self) -> None:
        self.rounds = 0
        self.said: list[str] = []
        self._last = PICTURES + 1

    def frame(self, frame: Frame) -> None:
        self.rounds += frame.number < self._last
        self._last = frame.number

    def report(self, report: CameraReport) -> None:
        self.said.append(report.text)


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


def test_depth_is_played_too(tmp_path: Path) -> None:
    stream = FAST.model_copy(update={"depth": DEPTH})
    record(stream, tmp_path / "depth.db3")
    camera = RealSenseCamera(stream.model_copy(update={"recording": str(tmp_path / "depth.db3")}))
    camera.open()
    got, colour = camera.read_depth(LATEST_S), camera.read(LATEST_S)
    camera.close()
    np.testing.assert_array_equal(got.depth, relief(got.number))
    np.testing.assert_array_equal(colour.image, noise(colour.number))
    assert got.unit_m == pytest.approx(UNIT_M)


def test_the_camera_thread_begins_a_recording_anew_when_it_has_ended(recording: RobotCameraSection) -> None:
    camera, heard = RealSenseCamera(recording), Heard()
    camera.open()
    try:
        with camera_threads([camera], {}, heard):
            until = time.monotonic() + 2 * LATEST_S + 5.0
            while heard.rounds < 2 and time.monotonic() < until:
                time.sleep(0.01)
    finally:
        camera.close()
    assert heard.rounds == 2
    assert "end of its recording" in heard.said[0]


def test_the_doctor_takes_a_recording_for_a_camera(recording: RobotCameraSection) -> None:
    robot = open_robot("koch").model_copy(update={"camera": (recording,)})
    (check,) = realsense_cameras(robot, needed=True)
    assert check.ok, check
    assert check.found == f"{recording.recording} of a software camera front, 32x18@60"


@pytest.mark.parametrize(
    ("camera", "simulation", "words"),
    [
        ({"serial": "1", "recording": "a.db3"}, None, "a serial number and a recording"),
        ({"recording": "a.db3"}, "koch_cubes", "has no recording"),
        ({"depth": {"width": 8, "height": 8, "fps": 30}}, "koch_cubes", "has no depth"),
    ],
)
def test_a_robot_file_with_a_camera_that_cannot_be(camera: dict[str, Any], simulation: str | None, words: str) -> None:
    content = open_robot("koch").model_dump()
    content["simulation"] = simulation
    content["camera"][0].update(camera)
    with pytest.raises(ValueError, match=words):
        Robot.model_validate(content)


def test_another_profile_than_the_recorded_one_lists_it(recording: RobotCameraSection) -> None:
    with pytest.raises(ConfigError, match="it offers: 32x18@60"):
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

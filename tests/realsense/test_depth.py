"""Depth beside colour: cameras whose sensors are two (D435) or one (D405), each stream judged for itself."""

from __future__ import annotations

import time

import numpy as np
import pytest

from libra_edge.drivers.realsense.camera import IDENTICAL_LIMIT, RealSenseCamera
from libra_edge.drivers.realsense.software_camera import SoftwareCamera
from libra_edge.errors import CameraError, ConfigError
from libra_edge.messages import DepthFrame, Frame, UInt16
from libra_edge.protocols import DepthCamera
from tests.realsense.software_stream import DEPTH, STREAM, UNIT_M, noise, relief

LATEST_S, SOON_S = 5.0, 0.02
MS = 1_000_000


class DepthBench:
    """A software device with colour and depth, and the camera under test on it."""

    def __init__(self, *, one_sensor: bool = False) -> None:
        stream = STREAM.model_copy(update={"depth": DEPTH})
        self.software = SoftwareCamera(stream, one_sensor=one_sensor)
        self.camera = RealSenseCamera(stream, lambda _: self.software.device)

    def inject(self, number: int) -> None:
        self.software.inject(Frame("front", noise(number), number, time.monotonic_ns()))

    def inject_depth(self, number: int, depth: UInt16 | None = None, age_ns: int = 0) -> DepthFrame:
        pixels = relief(number) if depth is None else depth
        frame = DepthFrame("front", pixels, UNIT_M, number, time.monotonic_ns() - age_ns)
        self.software.inject_depth(frame)
        return frame


@pytest.mark.parametrize("one_sensor", [False, True])
def test_colour_and_depth_of_one_camera(one_sensor: bool) -> None:
    bench = DepthBench(one_sensor=one_sensor)
    bench.camera.open()
    try:
        sent = [bench.inject_depth(number, age_ns=3 * MS) for number in (8, 9)][-1]
        bench.inject(4)
        got, colour = bench.camera.read_depth(LATEST_S), bench.camera.read(LATEST_S)
    finally:
        bench.camera.close()
    np.testing.assert_array_equal(got.depth, sent.depth)
    np.testing.assert_array_equal(colour.image, noise(4))
    assert (got.number, colour.number) == (9, 4)
    assert got.captured_ns == pytest.approx(sent.captured_ns, abs=MS)
    assert got.unit_m == pytest.approx(UNIT_M)
    assert (bench.camera.counts.handed_out, bench.camera.depth_counts.handed_out) == (1, 1)


@pytest.mark.parametrize("one_sensor", [False, True])
def test_it_opens_again(one_sensor: bool) -> None:
    bench = DepthBench(one_sensor=one_sensor)
    for number in (1, 2):
        bench.camera.open()
        bench.inject_depth(number)
        assert bench.camera.read_depth(LATEST_S).number == number
        bench.camera.close()
    with pytest.raises(CameraError, match="not open"):
        bench.camera.read_depth(SOON_S)


def test_frozen_depth_is_said_while_colour_goes_on() -> None:
    bench = DepthBench()
    bench.camera.open()
    bench.inject_depth(1, relief(1))
    bench.camera.read_depth(LATEST_S)
    bench.inject_depth(1, relief(2))
    with pytest.raises(CameraError, match=r"'front depth'.*same frame again"):
        bench.camera.read_depth(SOON_S)
    bench.inject_depth(2, relief(1))
    with pytest.raises(CameraError, match=r"'front depth'.*equal to the last bit"):
        bench.camera.read_depth(SOON_S)
    bench.inject(1)
    assert bench.camera.read(LATEST_S).number == 1
    bench.camera.close()
    assert (bench.camera.counts.repeated, bench.camera.depth_counts.repeated) == (0, 2)


def test_a_camera_that_sees_no_depth_at_all_does_not_hang() -> None:
    bench = DepthBench()
    bench.camera.open()
    for number in range(2 * IDENTICAL_LIMIT):
        bench.inject_depth(number, np.zeros((DEPTH.height, DEPTH.width), np.uint16))
        assert bench.camera.read_depth(LATEST_S).number == number
    bench.camera.close()


def test_depth_that_the_device_lacks_lists_what_it_has() -> None:
    bench = DepthBench()
    other = STREAM.model_copy(update={"depth": DEPTH.model_copy(update={"fps": 90})})
    with pytest.raises(ConfigError, match="no depth stream 24x12@90; it offers: 24x12@30"):
        RealSenseCamera(other, lambda _: bench.software.device).open()


def test_depth_that_nobody_asked_for() -> None:
    bench = DepthBench()
    camera = RealSenseCamera(STREAM, lambda _: bench.software.device)
    camera.open()
    with pytest.raises(CameraError, match="no depth in the robot file"):
        camera.read_depth(SOON_S)
    camera.close()


def test_metres_are_unknown_where_there_is_no_depth() -> None:
    frame = DepthFrame("front", np.array([[0, 1234]], np.uint16), 0.001, 1, 0)
    np.testing.assert_allclose(frame.metres, [[np.nan, 1.234]], rtol=1e-6)
    assert frame.metres.dtype == np.float32
    assert not frame.depth.flags.writeable


def test_satisfies_the_protocol() -> None:
    assert isinstance(DepthBench().camera, DepthCamera)

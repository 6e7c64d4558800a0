"""Frames through shared memory."""

from __future__ import annotations

import numpy as np
import pytest

from libra_edge.drivers.simulation.frame_channel import FrameReader, FrameWriter
from libra_edge.errors import ProcessError
from libra_edge.messages import Frame
from tests.simulation_process.small_robot import FRONT, WRIST

CAMERAS = (FRONT, WRIST)


def frame(camera: str, number: int) -> Frame:
    size = next((each.height, each.width, 3) for each in CAMERAS if each.name == camera)
    image = np.random.default_rng(number).integers(0, 256, size, dtype=np.uint8)
    return Frame(camera, image, number, captured_ns=10**15 + number)


def test_each_camera_gives_its_own_newest_frame() -> None:
    writer = FrameWriter(CAMERAS)
    reader = FrameReader(writer.path, CAMERAS)
    assert reader.newest("front") is None
    for number in range(7):
        writer.publish(frame("front", number))
        writer.publish(frame("wrist", 100 + number))
    for camera, number in (("front", 6), ("wrist", 106)):
        got, sent = reader.newest(camera), frame(camera, number)
        assert got is not None
        np.testing.assert_array_equal(got.image, sent.image)
        assert (got.number, got.captured_ns, got.camera) == (sent.number, sent.captured_ns, camera)


def test_frame_stays_as_it_was_read() -> None:
    writer = FrameWriter(CAMERAS)
    writer.publish(frame("front", 1))
    got = FrameReader(writer.path, CAMERAS).newest("front")
    for number in range(2, 9):
        writer.publish(frame("front", number))
    assert got is not None
    np.testing.assert_array_equal(got.image, frame("front", 1).image)


def test_ledger_counts_missing_numbers_as_dropped() -> None:
    writer = FrameWriter(CAMERAS)
    for number in (0, 1, 4, 5):
        writer.publish(frame("front", number))
    assert writer.ledger() == {"front": {"taken": 4, "dropped": 2}, "wrist": {"taken": 0, "dropped": 0}}


def test_reader_with_other_cameras_is_refused() -> None:
    writer = FrameWriter(CAMERAS)
    with pytest.raises(ProcessError, match=r"expected \d+"):
        FrameReader(writer.path, (FRONT,))


def test_writer_that_is_gone_is_said_so() -> None:
    path = FrameWriter(CAMERAS).path
    with pytest.raises(ProcessError, match="has ended"):
        FrameReader(path, CAMERAS)

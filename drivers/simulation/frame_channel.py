"""Camera frames from the simulated robot to the runtime's process: for each camera the newest, in shared memory."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import Any

import numpy as np

from libra_edge.drivers.simulation.latest_record import LatestRecord
from libra_edge.drivers.simulation.memory_file import MemoryFile, attach
from libra_edge.messages import Frame
from libra_edge.robot import RobotCameraSection


class FrameWriter:
    """The side that has the frames; one writer, used from one thread."""

    def __init__(self, cameras: Sequence[RobotCameraSection]) -> None:
        self._file = MemoryFile("libra-edge-frames", _size(cameras))
        self._lanes = _lanes(self._file.memory, cameras)

    @property
    def path(self) -> str:
        """What a FrameReader opens."""
        return self._file.path

    def publish(self, frame: Frame) -> None:
        """Hand over a frame, uint8 [H, W, 3]."""
        lane = self._lanes[frame.camera]
        lane.write(number=frame.number, captured_ns=frame.captured_ns, image=frame.image)

    def ledger(self) -> dict[str, dict[str, int]]:
        """For each camera the frames published, and dropped (numbers from 0 on that are missing)."""
        counts = {}
        for camera, lane in self._lanes.items():
            record = lane.read()
            numbers = 0 if record is None else int(record["number"]) + 1
            counts[camera] = {"taken": lane.written, "dropped": numbers - lane.written}
        return counts


class FrameReader:
    """The side that wants the newest frame."""

    def __init__(self, path: str, cameras: Sequence[RobotCameraSection]) -> None:
        """Raises ProcessError if the writer is gone or has other cameras."""
        self._lanes = _lanes(attach(path, _size(cameras)), cameras)

    def newest(self, camera: str) -> Frame | None:
        """The newest frame, a copy; None before the first one, or while the writer is too fast."""
        record = self._lanes[camera].read()
        if record is None:
            return None
        return Frame(camera, record["image"].copy(), int(record["number"]), int(record["captured_ns"]))


def _record_type(camera: RobotCameraSection) -> np.dtype[Any]:
    image = ("image", np.uint8, (camera.height, camera.width, 3))
    return np.dtype([("number", np.uint64), ("captured_ns", np.int64), image])


def _size(cameras: Sequence[RobotCameraSection]) -> int:
    return sum(LatestRecord.size(_record_type(camera)) for camera in cameras)


def _lanes(memory: mmap.mmap, cameras: Sequence[RobotCameraSection]) -> dict[str, LatestRecord]:
    lanes, offset = {}, 0
    for camera in cameras:
        record_type = _record_type(camera)
        lanes[camera.name] = LatestRecord(record_type, memory, offset)
        offset += LatestRecord.size(record_type)
    return lanes

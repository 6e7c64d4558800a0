"""Simulated pictures: the ray caster's, of the state that physics published, on time."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from libra_edge.drivers.simulation.camera_loop import CameraLoop, Grain
from libra_edge.drivers.simulation.doorbell import Doorbell
from libra_edge.drivers.simulation.episode_status import EpisodeStatus, StatusReader, StatusWriter
from libra_edge.drivers.simulation.frame_channel import FrameReader, FrameWriter
from libra_edge.drivers.simulation.raycast import RayCaster
from libra_edge.drivers.simulation.world import KochCubesWorld
from libra_edge.errors import ConfigError
from libra_edge.messages import Frame
from libra_edge.robot import Robot
from tests.simulation_process.small_robot import FRONT, SEED, TASK, WRIST, small_robot

CAPTURED_NS = 123_456_789


class Studio:
    """A world at rest, with cameras on it."""

    def __init__(self, robot: Robot, grain: Grain | None = None, bell: int | None = None) -> None:
        self.world = KochCubesWorld(SEED, TASK)
        self._status = StatusWriter(EpisodeStatus(False, 0, 0, CAPTURED_NS, self.world.snapshot()))
        self._frames = FrameWriter(robot.camera)
        self.reader = FrameReader(self._frames.path, robot.camera)
        status = StatusReader(self._status.path)
        caster = RayCaster(self.world.model)
        self.loop = CameraLoop(robot, caster, status, self._frames, Doorbell(bell), grain=grain or {})

    def newest(self, camera: str) -> Frame:
        frame = self.reader.newest(camera)
        assert frame is not None
        return frame


def test_pictures_are_those_of_the_published_state() -> None:
    studio = Studio(small_robot())
    studio.loop.take_next()
    studio.loop.take_next()
    caster = RayCaster(studio.world.model)
    for camera in (FRONT, WRIST):
        frame = studio.newest(camera.name)
        expected = caster.render(studio.world.snapshot(), camera.name, camera.width, camera.height)
        np.testing.assert_array_equal(frame.image, expected)
        assert frame.captured_ns == CAPTURED_NS


def test_coarse_picture_has_the_sharp_ones_pixels_at_its_grain() -> None:
    sharp, coarse = Studio(small_robot(WRIST)), Studio(small_robot(WRIST), grain={"wrist": 3})
    sharp.loop.take_next()
    coarse.loop.take_next()
    fine, blocks = sharp.newest("wrist").image, coarse.newest("wrist").image
    assert fine.shape == blocks.shape == (16, 20, 3)
    np.testing.assert_array_equal(blocks[::3, ::3], fine[::3, ::3])
    np.testing.assert_array_equal(blocks[2::3, 2::3], fine[::3, ::3][:5, :6])
    assert not np.array_equal(fine, blocks)


def test_late_pictures_leave_out_their_numbers() -> None:
    studio = Studio(small_robot(FRONT))
    studio.loop.take_next()
    before = time.monotonic_ns()
    time.sleep(3.5 / FRONT.fps)  # as long as rendering three pictures might take on a busy machine
    studio.loop.take_next()
    studio.loop.take_next()
    passed = (time.monotonic_ns() - before) * FRONT.fps // 10**9
    assert 3 <= studio.newest("front").number <= passed + 1


def test_doorbell_names_the_camera_and_never_waits() -> None:
    listening, ringing = os.pipe()
    bell = Doorbell(ringing)
    studio = Studio(small_robot(), bell=ringing)
    studio.loop.take_next()
    studio.loop.take_next()
    assert sorted(os.read(listening, 10)) == [0, 1]
    for _ in range(70_000):  # more than a pipe holds
        bell.ring(0)
    os.close(listening)
    bell.ring(0)
    bell.close()
    bell.ring(0)


@pytest.mark.parametrize("grain", [{}, {"elbow": 2}])
def test_camera_that_the_world_lacks_is_refused(grain: Grain) -> None:
    cameras = (FRONT,) if grain else (FRONT.model_copy(update={"name": "elbow"}),)
    with pytest.raises(ConfigError, match="no camera elbow; it has: front, wrist"):
        Studio(small_robot(*cameras), grain)

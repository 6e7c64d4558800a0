"""Where the simulated cameras really are comes back from their pictures: within 2 mm and 0.5 degrees.

The pictures are the ray caster's, with a sensor's noise, and travel through librealsense's software device; joint
angles are whole servo ticks, and the hand's place comes from the robot file's links.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import numpy as np
import pytest

from libra_edge.calibration.camera.board import HELD, LYING, Board
from libra_edge.calibration.camera.solution import Setup, Solution, solve
from libra_edge.calibration.camera.transform import IDENTITY, Transform
from libra_edge.calibration.camera.view import View, find_board
from libra_edge.calibration.camera.way import Way, lying_at
from libra_edge.cli.camera_views import hand_at
from libra_edge.cli.simulated_board import simulated_board
from libra_edge.drivers.simulation.mujoco_library import mujoco
from libra_edge.drivers.simulation.raycast import RayCaster
from libra_edge.drivers.simulation.simulated_cameras import simulated_cameras
from libra_edge.drivers.simulation.world import START_POSE, KochCubesWorld
from libra_edge.messages import Float64, Frame
from libra_edge.protocols import MeasuringCamera
from libra_edge.robot import RobotCameraSection, open_robot
from libra_edge.runtime.forward_kinematics import ForwardKinematics
from libra_edge.runtime.pose_tour import poses_around
from tests.calibration.camera.bench import distance

pytest.importorskip("pyrealsense2", reason="the simulated pictures go through librealsense", exc_type=ImportError)

ROBOT = open_robot("koch-sim")
HAND = "wrist_roll"
SIZES = {"front": (640, 360), "wrist": (424, 240)}
TRIES = 40
NOISE = 2.5
"""Standard deviation of a pixel, of 255."""
PLACE = lying_at(0.08, 0.126, -np.pi / 2)
ON_THE_TABLE: dict[Way, Transform | None] = {Way.HELD: None, Way.LYING: PLACE, Way.CARRIED: None}


class Studio:
    """The simulated world with a board in it, and one of its cameras as a RealSense camera."""

    def __init__(self, way: Way, camera: str, board: Board) -> None:
        printed = simulated_board(way, board, ON_THE_TABLE[way])
        self.way, self.name = way, camera
        self.world = KochCubesWorld(3, "touch the red cube", printed)
        self._caster = RayCaster(self.world.model, printed)
        width, height = SIZES[camera]
        self._stream = RobotCameraSection(name=camera, width=width, height=height, fps=30)
        (camera_and_deliver,) = simulated_cameras([self._stream])
        self.camera, self._deliver = camera_and_deliver
        assert isinstance(self.camera, MeasuringCamera)
        self.camera.open()
        self.setup = Setup(way, board, self.camera.intrinsics(), ON_THE_TABLE[way])
        self._noise = np.random.default_rng(5)
        self._number = itertools.count()

    def views(self, poses: Iterator[Float64]) -> Iterator[View]:
        """Those of the first poses from which the board is seen."""
        kinematics = ForwardKinematics.of(ROBOT)
        for number, pose in enumerate(itertools.islice(poses, TRIES)):
            measured = ROBOT.to_radians(ROBOT.to_ticks(pose))
            self._look(measured)
            sighting = find_board(self.camera.read(2.0).image, self.setup.board)
            if sighting is not None:
                hand = IDENTITY if self.way is Way.LYING else hand_at(kinematics, measured, HAND)
                yield View(f"{number:03d}", sighting, hand)

    def true_camera(self, pose: Float64) -> Transform:
        """By MuJoCo: in the base frame, or in the hand's for a carried one."""
        self.world.data.qpos[:6] = pose
        mujoco.mj_forward(self.world.model, self.world.data)
        view = self.world.data.camera(self.name)
        seen = Transform(view.xmat.reshape(3, 3) @ np.diag([1.0, -1.0, -1.0]), view.xpos.copy())
        return hand_at(ForwardKinematics.of(ROBOT), pose, HAND).inverse @ seen if self.way is Way.CARRIED else seen

    def _look(self, pose: Float64) -> None:
        self.world.data.qpos[:6] = pose
        sharp = self._caster.render(self.world.snapshot(), self.name, self._stream.width, self._stream.height)
        noisy = np.clip(sharp + self._noise.normal(0.0, NOISE, sharp.shape), 0, 255).astype(np.uint8)
        self._deliver(Frame(self.name, noisy, next(self._number), time.monotonic_ns()))


def solved(way: Way, camera: str, board: Board, count: int) -> tuple[Solution, Transform]:
    studio = Studio(way, camera, board)
    try:
        moved = ROBOT.joint_names[: ROBOT.joint_names.index(HAND) + 1]
        views = list(itertools.islice(studio.views(poses_around(START_POSE, ROBOT, moved)), count))
        assert len(views) == count
        return solve(views, studio.setup), studio.true_camera(START_POSE)
    finally:
        studio.camera.close()


@pytest.mark.parametrize(
    ("way", "camera", "board", "count"),
    [
        (Way.HELD, "front", HELD, 10),
        (Way.LYING, "front", LYING, 3),
        (Way.CARRIED, "wrist", LYING, 8),
    ],
    ids=["held", "lying", "carried"],
)
def test_the_camera_is_found_where_it_is(way: Way, camera: str, board: Board, count: int) -> None:
    found, true = solved(way, camera, board, count)
    shift_mm, turn_deg = distance(found.camera, true)
    assert shift_mm < 2.0
    assert turn_deg < 0.5
    assert found.rms_px < 1.0

"""Where the views of a calibration come from: an arm that shows the board about, a camera that stands before a lying
one, or a folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import uvloop

from libra_edge.calibration.camera.solution import Setup
from libra_edge.calibration.camera.spread import spread_of
from libra_edge.calibration.camera.transform import IDENTITY, Transform
from libra_edge.calibration.camera.view import View, board_in_camera, find_board
from libra_edge.calibration.camera.view_folder import (
    PlaceRecord,
    ViewIndex,
    ViewKeeper,
    ViewRecord,
    read_index,
    read_picture,
)
from libra_edge.calibration.camera.way import Way
from libra_edge.cli.camera_wish import CameraWish, chosen_link
from libra_edge.cli.jog_session import JogSession, first_joints, quiet_servo_log
from libra_edge.cli.jog_view import jog_view
from libra_edge.cli.output import stderr_console
from libra_edge.cli.run_hardware import RunHardware, open_hardware
from libra_edge.cli.simulated_board import simulated_board
from libra_edge.cli.stop_signals import stop_signals
from libra_edge.cli.terminal_keys import in_foreground, terminal_keys
from libra_edge.cli.view_session import KEYS, ViewSession
from libra_edge.clock import MonotonicClock
from libra_edge.errors import CameraCalibrationError, CameraError, InputError, ProcessError
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import Float64, UInt8
from libra_edge.protocols import MeasuringCamera
from libra_edge.robot import Robot
from libra_edge.runtime.forward_kinematics import ForwardKinematics
from libra_edge.runtime.jog_motion import Jog
from libra_edge.runtime.limit_check import LimitCheck
from libra_edge.runtime.run_log import RunLog
from libra_edge.runtime.servo_client import ServoClient

logger = logging.getLogger(__name__)

SCENE = "pick up the red cube"
SEED = 3
"""What lies on a simulated table meanwhile, and where."""
SHARP = {"front": 1, "wrist": 1}
PARKING_S = 60.0
FIRST_FRAMES = 15
FRAME_S = 2.0


class ViewGatherer:
    """Looks for the board, keeps what it finds in memory and on disk, and says how far the views are spread."""

    def __init__(self, wish: CameraWish, intrinsics: Intrinsics) -> None:
        """Raises CameraCalibrationError for a folder that is in use."""
        self.setup = Setup(wish.way, wish.board, intrinsics, wish.place)
        self.views: list[View] = []
        self._poses: list[Transform] = []
        self._wish = wish
        self._kinematics = None if wish.way is Way.LYING else ForwardKinematics.of(wish.robot)
        self._keeper = ViewKeeper(wish.keep, self._index)

    def accept(self, picture: UInt8, joints: Float64 | None) -> bool:
        """Take a picture in, taken at these joints, float64 [D] rad; False if the board is not seen in it."""
        setup, wish = self.setup, self._wish
        sighting = find_board(picture, setup.board)
        pose = None if sighting is None else board_in_camera(sighting, setup.board, setup.intrinsics)
        if sighting is None or pose is None:
            logger.info("the board is not seen: the whole of it must be in the picture, sharp and well lit")
            return False
        angles = None if joints is None else named_degrees(wish.robot, joints)
        name = self._keeper.keep(picture, angles)
        hand = IDENTITY if joints is None or self._kinematics is None else hand_at(self._kinematics, joints, wish.link)
        self.views.append(View(name.removesuffix(".png"), sighting, hand))
        self._poses.append(pose)
        pixels, hands = [view.sighting.pixels for view in self.views], [view.hand for view in self.views]
        logger.info("%s", spread_of(pixels, hands, self._poses, setup.intrinsics))
        return True

    def _index(self, records: tuple[ViewRecord, ...]) -> ViewIndex:
        wish, lying = self._wish, self._wish.way is Way.LYING
        return ViewIndex(
            robot=wish.robot.name,
            camera=wish.camera,
            way=wish.way.value,
            link=None if lying else wish.link,
            board=wish.board,
            board_place=None if wish.place is None else PlaceRecord.of(wish.place),
            intrinsics=self.setup.intrinsics,
            views=records,
        )


def hand_at(kinematics: ForwardKinematics, joints: Float64, link: str) -> Transform:
    """The hand in the base frame at these joints, float64 [D] rad."""
    rotation, origin = kinematics.link(joints, link)
    return Transform(rotation.copy(), origin.copy())


def named_degrees(robot: Robot, joints: Float64) -> Mapping[str, float]:
    """By joint name, degrees."""
    return dict(zip(robot.joint_names, np.degrees(joints).round(5).tolist(), strict=True))


def views_with_arm(wish: CameraWish) -> tuple[Setup, list[View]]:
    """Drive the arm by keys or by itself. Raises InputError without a terminal and without a tour, CameraError."""
    if not wish.tour and not in_foreground():
        raise InputError(
            "views are taken by keys: start it in a terminal, or let the arm go about by itself with --auto"
        )
    with _hardware(wish) as hardware, quiet_servo_log():
        camera = _measuring(hardware)
        gatherer = ViewGatherer(wish, camera.intrinsics())
        uvloop.run(_drive(wish, hardware, camera, gatherer))
    return gatherer.setup, gatherer.views


def views_of_lying_board(wish: CameraWish) -> tuple[Setup, list[View]]:
    """A few pictures of a board that nobody moves; the arm stays as it is. Raises CameraError."""
    with _hardware(wish) as hardware:
        camera = _measuring(hardware)
        gatherer = ViewGatherer(wish, camera.intrinsics())
        for _ in range(FIRST_FRAMES):  # until its exposure has settled
            camera.read(FRAME_S)
        for _ in range(2 * wish.views):
            gatherer.accept(camera.read(FRAME_S).image, None)
            if len(gatherer.views) >= wish.views:
                break
    return gatherer.setup, gatherer.views


def views_from_folder(folder: Path, robot: Robot, link: str | None) -> tuple[Setup, list[View], ViewIndex]:
    """Read pictures and poses; pictures without the board are left out, announced. Raises CameraCalibrationError."""
    index = read_index(folder)
    if index.robot != robot.name:
        logger.warning("these views are of robot %s, the arm is taken to be %s", index.robot, robot.name)
    known = None if index.board_place is None else index.board_place.transform
    setup = Setup(Way(index.way), index.board, index.intrinsics, known)
    views = []
    for record in index.views:
        sighting = find_board(read_picture(folder, record.picture, index.intrinsics), index.board)
        if sighting is None:
            logger.warning("%s is left out: the board is not seen in it", record.picture)
        else:
            hand = _recorded_hand(record, robot, link or index.link, folder)
            views.append(View(record.picture.rpartition(".")[0] or record.picture, sighting, hand))
    return setup, views, index


def _recorded_hand(record: ViewRecord, robot: Robot, link: str | None, folder: Path) -> Transform:
    if record.hand is not None:
        return record.hand.transform
    if record.joints_deg is None:
        return IDENTITY
    missing = sorted(set(robot.joint_names) - record.joints_deg.keys())
    if missing:
        raise CameraCalibrationError(
            f"{folder}: view {record.picture} has no angle of {', '.join(missing)}, which robot {robot.name!r} has"
        )
    name = chosen_link(robot, link)
    joints = np.radians([record.joints_deg[joint] for joint in robot.joint_names])
    return hand_at(ForwardKinematics.of(robot), joints, name)


def _hardware(wish: CameraWish) -> contextlib.AbstractContextManager[RunHardware]:
    board = None if wish.robot.simulation is None else simulated_board(wish.way, wish.board, wish.place)
    return open_hardware(wish.robot, (wish.camera,), seed=SEED, task=SCENE, grain=SHARP, board=board)


def _measuring(hardware: RunHardware) -> MeasuringCamera:
    (camera,) = hardware.cameras
    if not isinstance(camera, MeasuringCamera):
        raise CameraError(camera.name, "does not tell its intrinsics")
    return camera


async def _drive(wish: CameraWish, hardware: RunHardware, camera: MeasuringCamera, gatherer: ViewGatherer) -> None:
    """From servo process to parked arm. What broke is raised once the arm is parked."""
    robot, clock = wish.robot, MonotonicClock()
    arguments = ["--robot", wish.robot_name, "--port", hardware.port, "--on-exit", wish.on_exit, "--no-homing"]
    servo = await ServoClient.launch(arguments, joints=len(robot.joint))
    try:
        await first_joints(servo)
        log = RunLog(clock, robot.joint_names, LimitCheck(robot), start_ns=clock.now_ns())
        jog = JogSession(robot, servo, Jog(robot, wish.speed_rad_s), log, servo.telemetry())
        moved = robot.joint_names[: robot.joint_names.index(wish.link) + 1]
        session = ViewSession(jog, camera, gatherer.accept, moved, wish.views, wish.speed_rad_s)
        with stop_signals(jog.end), terminal_keys(session.received), jog_view(jog, stderr_console()):
            if wish.tour:
                session.begin(session.tour())
            else:
                logger.info("%s", KEYS)
            await session.run()
    finally:
        code = await asyncio.shield(servo.close(PARKING_S))
    if code:
        raise ProcessError(f"the servo process ended with code {code}: {jog.telemetry.fault or 'see above'}")

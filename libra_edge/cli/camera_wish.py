"""What a camera calibration is asked to do, from the options of the command and the robot file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from pydantic import ValidationError

from libra_edge.calibration.camera.board import HELD, LYING, Board
from libra_edge.calibration.camera.transform import Transform
from libra_edge.calibration.camera.way import Way, lying_at
from libra_edge.errors import ConfigError
from libra_edge.robot import Robot
from libra_edge.toml_file import first_fault

NUMBER = r"([+-]?\d+(?:\.\d+)?)"


@dataclass(frozen=True, slots=True)
class CameraWish:
    """One camera of one robot.

    Attributes:
        robot: with the camera's stream at the size that is calibrated with.
        robot_name: as it was given, for the servo process.
        link: the joint whose link is the hand.
        place: of a lying board in the base frame.
        keep: folder of the views.
    """

    robot: Robot
    robot_name: str
    camera: str
    way: Way
    link: str
    board: Board
    place: Transform | None
    views: int
    speed_rad_s: float
    on_exit: str
    tour: bool
    keep: Path


def chosen_board(way: Way, squares: str | None, square_mm: float | None) -> Board:
    """The way's own board, unless told otherwise. Raises ConfigError."""
    usual = HELD if way is Way.HELD else LYING
    columns, rows = usual.columns, usual.rows
    if squares is not None:
        match = re.fullmatch(r"(\d{1,3})x(\d{1,3})", squares)
        if match is None:
            raise click.BadParameter(f"--squares {squares!r} is not COLUMNSxROWS, such as 6x5")
        columns, rows = int(match[1]), int(match[2])
    try:
        return Board(columns=columns, rows=rows, square_mm=usual.square_mm if square_mm is None else square_mm)
    except ValidationError as error:
        raise ConfigError(f"the board: {first_fault(error)}") from error


def chosen_place(way: Way, text: str | None) -> Transform | None:
    """`X,Y,DEGREES` in mm and degrees, needed for a lying board alone. Raises ConfigError, BadParameter."""
    if way is not Way.LYING:
        if text is not None:
            raise ConfigError("--place belongs to --way lying: elsewhere the board's place is found, not given")
        return None
    if text is None:
        raise ConfigError(
            "--way lying needs --place X,Y,DEGREES: where the board's first corner lies in the base frame, mm, and how "
            "far its rows are turned from straight ahead; see docs/calibration-camera.md"
        )
    match = re.fullmatch(rf"{NUMBER},{NUMBER},{NUMBER}", text)
    if match is None:
        raise click.BadParameter(f"--place {text!r} is not X,Y,DEGREES, such as 120,126,-90")
    x_mm, y_mm, turn_deg = (float(part) for part in match.groups())
    return lying_at(x_mm / 1e3, y_mm / 1e3, float(np.radians(turn_deg)))


def resized(robot: Robot, camera: str | None, size: str) -> tuple[Robot, str]:
    """The robot with the camera's stream (the first one's, by default) at WIDTHxHEIGHT[@FPS]; and the camera's name.

    Raises ConfigError, BadParameter.
    """
    names = [stream.name for stream in robot.camera]
    if not names:
        raise ConfigError(f"robot {robot.name!r} has no camera; add a [[camera]] to its file")
    name = names[0] if camera is None else camera
    if name not in names:
        raise ConfigError(f"robot {robot.name!r} has no camera {name!r}; it has: {', '.join(names)}")
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})(?:@(5|6|15|30|60|90))?", size)
    if match is None:
        raise click.BadParameter(f"--size {size!r} is not WIDTHxHEIGHT or WIDTHxHEIGHT@FPS, such as 1280x720@30")
    changed = {"width": int(match[1]), "height": int(match[2])}
    fps = {"fps": int(match[3])} if match[3] else {}
    streams = tuple(
        stream.model_copy(update={**changed, **fps}) if stream.name == name else stream for stream in robot.camera
    )
    return robot.model_copy(update={"camera": streams}), name


def chosen_link(robot: Robot, link: str | None) -> str:
    """The joint whose link is the hand: the one before the gripper, unless told otherwise. Raises ConfigError."""
    links = [] if robot.workspace is None else [one.joint for one in robot.workspace.link]
    if not links:
        raise ConfigError(f"robot {robot.name!r}: its file has no [workspace] with links, which say where the hand is")
    if link is not None:
        if link not in links:
            raise ConfigError(f"--link {link!r} turns no link of robot {robot.name!r}; there are {', '.join(links)}")
        return link
    grippers = {joint.name for joint in robot.joint if joint.mode == 5}
    hands = [name for name in links if name not in grippers]
    if not hands:
        raise ConfigError(f"robot {robot.name!r} has grippers only; say with --link which joint turns the hand")
    return hands[-1]

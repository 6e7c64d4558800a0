"""What `libra-edge doctor` finds in the folders of a project: recordings of runs, calibrations of this robot."""

from __future__ import annotations

from pathlib import Path

from libra_edge.calibration.camera.camera_file import read_camera_file
from libra_edge.cli.check import Check, judged
from libra_edge.errors import ConfigError
from libra_edge.locate import CALIBRATIONS, RECORDINGS
from libra_edge.robot import Robot


def recordings(folder: Path = RECORDINGS) -> Check:
    """Where runs are recorded, how many there are and what they take; none is no fault."""
    files = sorted(folder.glob("*.mcap"), key=lambda file: file.stat().st_mtime)
    place = f"in {folder.absolute()}"
    if not files:
        return judged("recordings", True, f"none yet, they come {place}", "")
    size = sum(file.stat().st_size for file in files)
    return judged("recordings", True, f"{len(files)} {place}, {size / 1e9:.1f} GB, newest {files[-1].name}", "")


def arm_calibration(robot: Robot, robot_name: str, folder: Path = CALIBRATIONS) -> Check:
    """The arm's offsets and ranges, by `libra-edge calibrate arm`; without it the robot file's nominal ones hold.

    `robot_name` is what the robot was asked for by, for the advice.
    """
    file = folder / robot.name / "arm.json"
    advice = (
        f"the robot file's nominal zeros and ranges hold; measure yours: libra-edge calibrate arm --robot {robot_name}"
    )
    there = file.is_file()
    return judged("calibration arm", there, str(file) if there else f"none, no {file}", advice, needed=False)


def camera_calibrations(robot: Robot, robot_name: str, folder: Path = CALIBRATIONS) -> list[Check]:
    """One check a camera: where it stands, by `libra-edge calibrate camera`. No policy needs it."""
    return [_camera(robot_name, camera.name, folder / robot.name / f"{camera.name}.json") for camera in robot.camera]


def _camera(robot_name: str, camera: str, file: Path) -> Check:
    name, again = f"calibration {camera}", f"libra-edge calibrate camera --robot {robot_name} --camera {camera}"
    try:
        content = read_camera_file(file)
    except FileNotFoundError:
        return judged(name, False, f"none, no {file}", f"where the camera stands tells: {again}", needed=False)
    except ConfigError as error:
        return judged(name, False, str(error), f"make it anew: {again}", needed=False)
    pixels = f"{content.residuals.reprojection_px:.2f} px"
    return judged(name, True, f"{file}, {pixels} from {content.views} views", "")

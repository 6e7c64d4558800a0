"""The result as a file: where a camera is, how its pixels become rays, and how well both are known.

Frames: the base frame is the robot file's workspace's (x forward, y left, z up). The camera's is OpenCV's (x right,
y down, z ahead). `position_m` and `quaternion` (w, x, y, z) take points of the camera's frame into the parent's.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from libra_edge import __version__
from libra_edge.calibration.camera.board import Board
from libra_edge.calibration.camera.solution import Solution
from libra_edge.calibration.camera.view_folder import PlaceRecord
from libra_edge.calibration.camera.way import Way
from libra_edge.calibration.whole_file import write_whole
from libra_edge.errors import ConfigError
from libra_edge.intrinsics import Intrinsics
from libra_edge.model_spec import Finite, Name, Section
from libra_edge.toml_file import MAX_BYTES, first_fault

BASE = "base"


class FramedPlace(PlaceRecord):
    """A frame and its parent: `base`, or the name of the joint that turns the parent link."""

    parent: Name


class Residuals(Section):
    """Root mean squares, see docs/calibration-camera.md."""

    reprojection_px: Finite
    shift_mm: Finite
    turn_deg: Finite


class StandardError(Section):
    """Of the camera's place, all three axes together, and of its direction."""

    shift_mm: Finite
    turn_deg: Finite


class CameraFile(Section):
    """The whole file."""

    schema_version: Literal[1] = 1
    libra_edge: str = __version__
    robot: str
    camera: Name
    place: FramedPlace
    intrinsics: Intrinsics
    way: Literal["held", "lying", "carried"]
    board: Board
    board_place: FramedPlace
    views: int
    corners: int
    residuals: Residuals
    standard_error: StandardError | None


def camera_file(solution: Solution, *, robot: str, camera: str, link: str | None) -> CameraFile:
    """`link` names the joint whose link is the hand; None for a lying board."""
    setup, hand = solution.setup, link or BASE
    carried = setup.way is Way.CARRIED
    error = None
    if solution.error_m is not None and solution.error_rad is not None:
        error = StandardError(shift_mm=_mm(solution.error_m), turn_deg=_deg(solution.error_rad))
    return CameraFile(
        robot=robot,
        camera=camera,
        place=_framed(PlaceRecord.of(solution.camera), hand if carried else BASE),
        intrinsics=setup.intrinsics,
        way=setup.way.value,
        board=setup.board,
        board_place=_framed(PlaceRecord.of(solution.board), hand if setup.way is Way.HELD else BASE),
        views=len(solution.views),
        corners=sum(len(one.pixels) for one in solution.views),
        residuals=Residuals(
            reprojection_px=round(solution.rms_px, 4),
            shift_mm=_mm(solution.shift_m),
            turn_deg=_deg(solution.turn_rad),
        ),
        standard_error=error,
    )


def read_camera_file(path: Path) -> CameraFile:
    """Raises FileNotFoundError if there is none, ConfigError for one that is damaged, foreign or far too large."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_BYTES} bytes")
        return CameraFile.model_validate_json(content)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise ConfigError(f"{path} cannot be read: {first_fault(error)}") from error


def write_camera_file(content: CameraFile, path: Path) -> None:
    """Write it whole or not at all. Raises ConfigError."""
    write_whole(path, f"{content.model_dump_json(indent=2)}\n".encode())


def _framed(place: PlaceRecord, parent: str) -> FramedPlace:
    return FramedPlace(position_m=place.position_m, quaternion=place.quaternion, parent=parent)


def _mm(metres: float) -> float:
    return round(metres * 1e3, 3)


def _deg(radians: float) -> float:
    return round(math.degrees(radians), 4)

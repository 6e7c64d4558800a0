"""Views on disk: pictures and `views.json`, so that a camera can be calibrated again without the arm.

Each view has the joint angles, from which the robot file tells where the hand was, or the hand's place itself.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from PIL import Image, UnidentifiedImageError
from pydantic import Field, ValidationError, model_validator

from libra_edge.calibration.camera.board import Board
from libra_edge.calibration.camera.transform import Transform, rotation_of_quaternion
from libra_edge.calibration.whole_file import write_whole
from libra_edge.errors import CameraCalibrationError
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import UInt8
from libra_edge.model_spec import Finite, Name, Section
from libra_edge.toml_file import first_fault

INDEX = "views.json"
MAX_BYTES = 2_000_000
MAX_PICTURE_BYTES = 64_000_000
MAX_VIEWS = 500
Metres = Annotated[Finite, Field(ge=-10, le=10)]


class PlaceRecord(Section):
    """A frame in its parent: metres, and (w, x, y, z)."""

    position_m: tuple[Metres, Metres, Metres]
    quaternion: tuple[Finite, Finite, Finite, Finite]

    @model_validator(mode="after")
    def _is_a_rotation(self) -> PlaceRecord:
        length = float(np.linalg.norm(self.quaternion))
        if not 0.99 < length < 1.01:
            raise ValueError(f"a quaternion has the length 1, this one {length:.3f}")
        return self

    @classmethod
    def of(cls, frame: Transform) -> PlaceRecord:
        """To be written."""
        position, quaternion = frame.translation.round(7).tolist(), frame.quaternion.round(9).tolist()
        return cls(position_m=tuple(position), quaternion=tuple(quaternion))

    @property
    def transform(self) -> Transform:
        """As numbers to reckon with."""
        return Transform(rotation_of_quaternion(self.quaternion), np.array(self.position_m))


class ViewRecord(Section):
    """One picture, and either `joints_deg` (zero and sign as in the robot file) or `hand` in the base frame."""

    picture: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
    joints_deg: Mapping[str, Annotated[Finite, Field(ge=-3600, le=3600)]] | None = None
    hand: PlaceRecord | None = None

    @model_validator(mode="after")
    def _has_one_pose(self) -> ViewRecord:
        if self.joints_deg is not None and self.hand is not None:
            raise ValueError("a view has joints_deg or hand, not both")
        return self


class ViewIndex(Section):
    """`views.json`. `board_place`: of a lying board, in the base frame. `link`: the joint whose link is the hand."""

    schema_version: Literal[1] = 1
    robot: str
    camera: Name
    way: Literal["held", "lying", "carried"]
    link: Name | None = None
    board: Board
    board_place: PlaceRecord | None = None
    intrinsics: Intrinsics
    views: Annotated[tuple[ViewRecord, ...], Field(max_length=MAX_VIEWS)]

    @model_validator(mode="after")
    def _is_complete(self) -> ViewIndex:
        if (self.way == "lying") != (self.board_place is not None):
            raise ValueError("board_place belongs to the way 'lying', and to no other")
        for view in self.views:
            if self.way != "lying" and view.joints_deg is None and view.hand is None:
                raise ValueError(f"view {view.picture} has neither joints_deg nor hand")
        return self


def read_index(folder: Path) -> ViewIndex:
    """What a folder of views says of itself. Raises CameraCalibrationError."""
    path = folder / INDEX
    try:
        return ViewIndex.model_validate_json(_bytes(path, MAX_BYTES))
    except FileNotFoundError as error:
        raise CameraCalibrationError(
            f"{folder}: there is no {INDEX}; give a folder that `calibrate camera` has kept, or write that file"
        ) from error
    except ValidationError as error:
        raise CameraCalibrationError(f"{path}: {first_fault(error)}") from error
    except OSError as error:
        raise CameraCalibrationError(f"{path} cannot be read: {error.strerror or error}") from error


def read_picture(folder: Path, name: str, intrinsics: Intrinsics) -> UInt8:
    """uint8 [H, W, 3] RGB of the intrinsics' size, from a PNG or JPEG file. Raises CameraCalibrationError."""
    path, size = folder / name, (intrinsics.width, intrinsics.height)
    try:
        with Image.open(io.BytesIO(_bytes(path, MAX_PICTURE_BYTES)), formats=("PNG", "JPEG")) as image:
            if image.size != size:  # before anything is unpacked
                raise CameraCalibrationError(
                    f"{path} is {image.size[0]}x{image.size[1]}, but the intrinsics are of {size[0]}x{size[1]}"
                )
            return np.asarray(image.convert("RGB"), np.uint8)
    except UnidentifiedImageError as error:
        raise CameraCalibrationError(f"{path} is neither a PNG nor a JPEG picture") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CameraCalibrationError(f"{path} cannot be read: {error}") from error


class ViewKeeper:
    """Keeps views in a folder as they are taken; what was kept stays usable whenever it ends."""

    def __init__(self, folder: Path, describe: Callable[[tuple[ViewRecord, ...]], ViewIndex]) -> None:
        """`describe` makes the index for the views so far. Raises CameraCalibrationError for a folder in use."""
        if (folder / INDEX).exists():
            raise CameraCalibrationError(
                f"{folder} holds views already; give another --out, or use them: --from {folder}"
            )
        self.folder = folder
        self._describe = describe
        self._records: tuple[ViewRecord, ...] = ()

    def keep(self, picture: UInt8, joints_deg: Mapping[str, float] | None) -> str:
        """Write a picture and the index anew; the picture's name. Raises ConfigError."""
        name = f"{len(self._records):03d}.png"
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        self._records += (ViewRecord(picture=name, joints_deg=joints_deg),)
        index = self._describe(self._records).model_dump_json(indent=1, exclude_none=True)
        write_whole(self.folder / name, file.getvalue())
        write_whole(self.folder / INDEX, f"{index}\n".encode())
        return name


def _bytes(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise CameraCalibrationError(f"{path} is larger than {most >> 20} MiB")
    return data

"""The printed ChArUco board: a chessboard whose white squares carry ArUco markers, so that a part of it is enough.

A square is 8 cells wide and its marker 6: the whole board is a grid of cells, in print and in simulation alike.
Frame of the board: origin at the outer corner of its first square, x along a row, y down the columns, z into the
paper.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from libra_edge.calibration.camera.opencv_library import load_opencv
from libra_edge.messages import Float64, UInt8
from libra_edge.model_spec import Section

CELLS = 8
MARKER_CELLS = 6
DICTIONARY = "DICT_4X4_250"
MARKERS = 250
Squares = Annotated[int, Field(ge=3, le=30)]


class Board(Section):
    """Squares in a row and in a column, and their width as printed, mm."""

    columns: Squares
    rows: Squares
    square_mm: Annotated[float, Field(ge=2, le=300)]

    @model_validator(mode="after")
    def _has_markers_enough(self) -> Board:
        if self.columns * self.rows // 2 > MARKERS:
            raise ValueError(f"a board has at most {2 * MARKERS} squares, this one {self.columns * self.rows}")
        return self

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height, without a margin."""
        return self.columns * self.square_mm, self.rows * self.square_mm

    @property
    def corner_count(self) -> int:
        """Inner corners, which are what is looked for."""
        return (self.columns - 1) * (self.rows - 1)

    def opencv(self) -> Any:
        """OpenCV's `CharucoBoard`, in metres."""
        cv2 = load_opencv()
        square_m = self.square_mm / 1e3
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, DICTIONARY))
        return cv2.aruco.CharucoBoard((self.columns, self.rows), square_m, square_m * MARKER_CELLS / CELLS, dictionary)

    def corners(self) -> Float64:
        """Inner corners by their number, float64 [C, 3] m, in the board's frame."""
        row, column = np.divmod(np.arange(self.corner_count), self.columns - 1)
        flat = np.stack([column + 1, row + 1, np.zeros_like(row)], axis=-1)
        corners: Float64 = flat * (self.square_mm / 1e3)
        return corners

    def cells(self) -> UInt8:
        """Colour of each cell, 0 or 255: uint8 [8 * rows, 8 * columns]."""
        size = (self.columns * CELLS, self.rows * CELLS)
        drawn: UInt8 = self.opencv().generateImage(size, marginSize=0, borderBits=1)
        return drawn


HELD = Board(columns=6, rows=5, square_mm=15.0)
"""90 x 75 mm: a card that the gripper carries."""
LYING = Board(columns=9, rows=6, square_mm=28.0)
"""252 x 168 mm: fills a sheet of A4 paper."""

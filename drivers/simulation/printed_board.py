"""A printed pattern of black and white cells that the simulated hand holds, or that lies on the simulated table.

It weighs nothing and touches nothing: it is there to be seen.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from libra_edge.messages import Float32, Float64
from libra_edge.model_spec import Finite, Section

NAME = "board"
HALF_THICKNESS_M = 0.0001
PAPER, INK = 0.95, 0.06
Metres = Annotated[Finite, Field(ge=-2, le=2)]


class PrintedBoard(Section):
    """Where it is and what is on it.

    Attributes:
        held: in the hand's frame (of scene.py's body `hand`), else in the world's.
        position_m, quaternion: of the pattern's middle; (w, x, y, z). The pattern's x runs along its rows, y down its
            columns, z into the paper.
        cell_m: width of a cell.
        margin_m: white paper around the pattern.
        rows: of cells, "1" for ink and "0" for paper.
    """

    held: bool
    position_m: tuple[Metres, Metres, Metres]
    quaternion: tuple[Finite, Finite, Finite, Finite]
    cell_m: Annotated[Finite, Field(gt=0, le=0.1)]
    margin_m: Annotated[Finite, Field(ge=0, le=0.1)] = 0.005
    rows: Annotated[tuple[Annotated[str, Field(pattern="^[01]+$")], ...], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _rows_are_equally_long(self) -> PrintedBoard:
        if len({len(row) for row in self.rows}) != 1:
            raise ValueError("every row of the board needs as many cells")
        return self

    @property
    def half_m(self) -> Float64:
        """Half the paper's width and height, float64 [2] m."""
        cells = np.array([len(self.rows[0]), len(self.rows)])
        half: Float64 = 0.5 * self.cell_m * cells + self.margin_m
        return half

    @property
    def mjcf(self) -> str:
        """The body, its paper behind the pattern."""
        half_x, half_y = self.half_m
        place, turn = (" ".join(f"{part!r}" for part in parts) for parts in (self.position_m, self.quaternion))
        shape = f'type="box" pos="0 0 {HALF_THICKNESS_M}" size="{half_x} {half_y} {HALF_THICKNESS_M}"'
        return (
            f'<body name="{NAME}" pos="{place}" quat="{turn}"><geom name="{NAME}" {shape} rgba="0.9 0.9 0.9 1"/></body>'
        )

    def brightness(self, points: Float64) -> Float32:
        """Of points of the printed side, float64 [..., 2] m from the pattern's middle: float32 [...]."""
        ink = np.array([[cell == "1" for cell in row] for row in self.rows])
        places = np.floor(points / self.cell_m + 0.5 * np.array(ink.shape[::-1])).astype(np.int64)
        inside = np.all((places >= 0) & (places < ink.shape[::-1]), axis=-1)
        x, y = np.moveaxis(np.where(inside[..., None], places, 0), -1, 0)
        shades: Float32 = np.where(inside & ink[y, x], INK, PAPER).astype(np.float32)
        return shades

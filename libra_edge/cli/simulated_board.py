"""The printed board in the simulated world: what a person would print and hold."""

from __future__ import annotations

import numpy as np

from libra_edge.calibration.camera.board import CELLS, Board
from libra_edge.calibration.camera.transform import Transform, rotation_of_vector
from libra_edge.calibration.camera.way import Way, lying_at
from libra_edge.drivers.simulation.printed_board import HALF_THICKNESS_M, PrintedBoard

IN_THE_HAND = Transform(
    rotation_of_vector(np.array([0.10, 0.25, 0.15])) @ np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]),
    np.array([-0.080, -0.010, 0.035]),
)
"""The board's middle in the frame of the scene's body `hand`: on a block between the fingers, held a little askew."""
PAPER = Transform(np.eye(3), np.array([0.0, 0.0, 2.0 * HALF_THICKNESS_M]))
"""A lying board shows its upper side."""
ON_THE_TABLE = lying_at(0.10, 0.13, -np.pi / 2)
"""Where a board lies whose place is to be found."""


def simulated_board(way: Way, board: Board, place: Transform | None) -> PrintedBoard:
    """`place`: of the corner that is a lying board's origin, in the base frame."""
    width_mm, height_mm = board.size_mm
    to_middle = Transform(np.eye(3), np.array([width_mm / 2e3, height_mm / 2e3, 0.0]))
    middle = IN_THE_HAND if way is Way.HELD else PAPER @ (ON_THE_TABLE if place is None else place) @ to_middle
    x, y, z = middle.translation.tolist()
    return PrintedBoard(
        held=way is Way.HELD,
        position_m=(x, y, z),
        quaternion=tuple(middle.quaternion.tolist()),
        cell_m=board.square_mm / 1e3 / CELLS,
        rows=tuple("".join("1" if cell == 0 else "0" for cell in row) for row in board.cells()),
    )

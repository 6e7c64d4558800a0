"""The printed board in the simulated world: seen where it is, and otherwise not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from libra_edge.drivers.simulation.printed_board import INK, PAPER, PrintedBoard
from libra_edge.drivers.simulation.raycast import RayCaster
from libra_edge.drivers.simulation.world import KochCubesWorld

TASK = "touch the red cube"
FACE_UP = (0.0, 1.0, 0.0, 0.0)
"""A half turn about x: the pattern's z points down, into the table."""


def lying(**changed: Any) -> PrintedBoard:
    known = {
        "held": False,
        "position_m": (0.15, 0.0, 0.001),
        "quaternion": FACE_UP,
        "cell_m": 0.03,
        "rows": ("10", "00"),
    }
    return PrintedBoard.model_validate({**known, **changed})


def test_a_cell_is_where_its_row_and_column_say() -> None:
    board = lying()
    points = np.array([[-0.015, -0.015], [0.015, -0.015], [-0.015, 0.015], [0.015, 0.015], [-0.032, -0.032]])
    np.testing.assert_allclose(board.brightness(points), [INK, PAPER, PAPER, PAPER, PAPER])


def test_the_camera_sees_the_pattern_the_right_way_round() -> None:
    world = KochCubesWorld(1, TASK, board := lying())
    picture = RayCaster(world.model, board).render(world.snapshot(), "front", 320, 180).astype(int).max(axis=2)
    empty = RayCaster(KochCubesWorld(1, TASK).model).render(world.snapshot(), "front", 320, 180).astype(int)
    dark = np.argwhere((picture < 60) & (np.abs(picture - empty.max(axis=2)) > 60))
    bright = np.argwhere((picture > 200) & (np.abs(picture - empty.max(axis=2)) > 40))
    assert len(dark) > 200
    # The dark cell lies towards the arm's base and to its left; the camera, opposite, has it far away and to the right.
    up, across = dark.mean(axis=0) - bright.mean(axis=0)
    assert up < -3
    assert across > 3


def test_it_changes_no_motion() -> None:
    held = PrintedBoard(
        held=True, position_m=(-0.08, 0, 0.03), quaternion=(1, 0, 0, 0), cell_m=0.01, rows=("1010",) * 4
    )
    plain, carrying = KochCubesWorld(5, TASK), KochCubesWorld(5, TASK, held)
    for world in (plain, carrying):
        world.set_goal(world.position + 0.3)
        world.step(100)
    np.testing.assert_array_equal(plain.position, carrying.position)
    np.testing.assert_array_equal(plain.cubes, carrying.cubes)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"rows": ("10", "1")}, "as many cells"),
        ({"rows": ("12",)}, "match pattern"),
        ({"cell_m": 0.0}, "greater than 0"),
        ({"position_m": (0.0, 0.0, float("nan"))}, "finite"),
    ],
)
def test_a_board_that_is_none_is_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        lying(**changed)

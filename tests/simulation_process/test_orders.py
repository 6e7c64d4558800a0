"""Orders to the simulation: what comes through its stdin, and what a moved cube means for the task."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from pydantic import ValidationError

from libra_edge.drivers.simulation.cube_move import CubeMove
from libra_edge.drivers.simulation.order_pipe import OrderPipe
from libra_edge.drivers.simulation.world import KochCubesWorld


def listened(*written: bytes) -> tuple[bytes, list[bytes]]:
    """First line and further lines of a pipe into which this is written before it is closed."""
    reading, writing = os.pipe()
    pipe, lines = OrderPipe(reading), list[bytes]()

    def write() -> None:
        for part in written:
            os.write(writing, part)
        os.close(writing)

    thread = threading.Thread(target=write)
    thread.start()
    first = pipe.first_line()
    pipe.listen(lines.append, 20)
    thread.join()
    os.close(reading)
    return first, lines


def test_lines_come_whole_however_they_were_written() -> None:
    assert listened(b"robot\none\ntw", b"o\n", b"three\nno end") == (b"robot", [b"one", b"two", b"three"])


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    _, lines = listened(b"robot\n", *([b"x" * 50_000] * 20), b"\nfine\n")
    assert len(lines[0]) <= 20
    assert lines[1:] == [b"fine"]


@pytest.mark.parametrize(
    "order",
    [
        '{"number": 1, "cube": 3, "x_m": 0.2, "y_m": 0.0}',
        '{"number": 1, "cube": 0, "x_m": NaN, "y_m": 0.0}',
        '{"number": 1, "cube": 0, "x_m": 0.2, "y_m": -0.6}',
        '{"number": 1, "cube": 0, "x_m": 0.2, "y_m": 0.0, "z_m": 1.0}',
        "{}",
        "move it",
    ],
)
def test_orders_that_make_no_sense_are_refused(order: str) -> None:
    with pytest.raises(ValidationError):
        CubeMove.model_validate_json(order)


def test_a_cube_put_elsewhere_rests_there_and_has_not_been_pushed() -> None:
    world = KochCubesWorld(7, "push the red cube")
    yaw = world.cube_yaws[0]
    world.step(40)
    world.move_cube(0, 0.19, 0.10)
    world.step(40)
    np.testing.assert_allclose(world.cubes[0], [0.19, 0.10, 0.0125], atol=5e-4)
    assert abs(world.cube_yaws[0] - yaw) < 0.01
    assert not world.success()


def test_another_cube_put_elsewhere_has_not_been_disturbed_by_the_arm() -> None:
    world = KochCubesWorld(7, "push the red cube")
    world.move_cube(1, 0.19, 0.12)
    world.step(10)
    world.move_cube(0, 0.05, -0.20)
    world.monitor.start[0] = [0.2, -0.1, 0.0125]
    world.step(10)
    assert world.success()

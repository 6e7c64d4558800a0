"""Pictures by ray casting: geometry checked against projection, and equal bits for equal scenes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from libra_edge.drivers.simulation.mujoco_library import mujoco
from libra_edge.drivers.simulation.raycast import RayCaster
from libra_edge.drivers.simulation.scene import VIEWS
from libra_edge.drivers.simulation.world import KochCubesWorld

WIDTH, HEIGHT = 160, 90


def project(world: KochCubesWorld, camera: str, point: np.ndarray) -> tuple[float, float]:
    """Pixel (column, row) of a world point, from the camera's pose alone."""
    view = world.data.camera(camera)
    mujoco.mj_camlight(world.model, world.data)
    x, y, z = view.xmat.reshape(3, 3).T @ (point - view.xpos)
    fov = next(view.fov_deg for view in VIEWS if view.name == camera)
    focal = 0.5 * WIDTH / math.tan(math.radians(fov) / 2)
    return WIDTH / 2 - focal * x / z, HEIGHT / 2 + focal * y / z


@pytest.mark.parametrize("seed", range(4))
def test_each_cube_is_drawn_where_it_stands_in_its_colour(seed: int) -> None:
    world = KochCubesWorld(seed, "touch the yellow cube")
    picture = RayCaster(world.model).render(world.snapshot(), "front", WIDTH, HEIGHT)
    for colour, position in zip(world.colours, world.cubes, strict=True):
        column, row = project(world, "front", position)
        red, green, blue = picture[round(row), round(column)].astype(int)
        seen = {"red": red > 2 * green, "green": green > 2 * red, "blue": blue > 1.5 * red, "yellow": red > 3 * blue}
        assert seen[colour], (colour, (red, green, blue))


@pytest.mark.parametrize(("camera", "stride"), [("front", 2), ("wrist", 3)])
def test_a_strided_picture_is_exactly_the_strided_full_picture(camera: str, stride: int) -> None:
    world = KochCubesWorld(5, "touch the red cube")
    caster = RayCaster(world.model)
    full = caster.render(world.snapshot(), camera, WIDTH, HEIGHT)
    np.testing.assert_array_equal(
        caster.render(world.snapshot(), camera, WIDTH, HEIGHT, stride), full[::stride, ::stride]
    )


def test_two_casters_draw_the_same_bits() -> None:
    world = KochCubesWorld(5, "touch the red cube")
    one, other = (RayCaster(world.model).render(world.snapshot(), "wrist", WIDTH, HEIGHT) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_a_moved_cube_changes_the_picture_and_nothing_far_from_it() -> None:
    world = KochCubesWorld(5, "touch the red cube")
    caster = RayCaster(world.model)
    before = caster.render(world.snapshot(), "front", WIDTH, HEIGHT)
    column, row = project(world, "front", world.cubes[0])
    snapshot = world.snapshot()
    address = world.model.jnt_qposadr[world.model.body("cube_0").jntadr[0]]
    snapshot[address + 2] += 5.0
    after = caster.render(snapshot, "front", WIDTH, HEIGHT)
    changed = np.argwhere((np.abs(after.astype(int) - before) > 2).any(-1))
    assert len(changed) > 20
    assert np.abs(changed - [row, column]).max() < 25


def test_the_ground_under_a_cube_is_darker_than_beside_it() -> None:
    world = KochCubesWorld(5, "touch the red cube")
    caster = RayCaster(world.model)
    with_shadow = caster.render(world.snapshot(), "front", WIDTH, HEIGHT).astype(int)
    snapshot = world.snapshot()
    for cube in ("cube_0", "cube_1", "cube_2"):
        address = world.model.jnt_qposadr[world.model.body(cube).jntadr[0]]
        snapshot[address + 2] += 5.0
    bare = caster.render(snapshot, "front", WIDTH, HEIGHT).astype(int)
    is_ground = np.abs(with_shadow - with_shadow.mean(-1, keepdims=True)).max(-1) < 25
    darkened = is_ground & ((bare - with_shadow).sum(-1) > 15)
    assert darkened.sum() > 30

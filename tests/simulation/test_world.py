"""The simulated robot: reproducible, judged fairly, and solid to the touch."""

from __future__ import annotations

import math

import numpy as np
import pytest

from libra_edge.drivers.simulation import kinematics
from libra_edge.drivers.simulation.scene import CUBE_HALF, PALETTE
from libra_edge.drivers.simulation.tasks import ALL_TASKS, TaskMonitor, parse_task
from libra_edge.drivers.simulation.world import CLEARANCE_M, START_POSE, KochCubesWorld
from libra_edge.errors import InstructionError
from libra_edge.messages import Float64
from libra_edge.robot import open_robot

CONTROL_STEP = 20


def move(world: KochCubesWorld, goal: Float64, steps: int) -> None:
    start = world.position
    for step in range(1, steps + 1):
        world.set_goal(start + (goal - start) * step / steps)
        world.step(CONTROL_STEP)


def over(x: float, y: float, z: float, gripper: float) -> Float64:
    solution = kinematics.solve(x, y, z, -1.25, 0.0)
    assert solution is not None
    return np.array([*solution, gripper])


def test_same_seed_and_goals_give_the_same_bits() -> None:
    snapshots = []
    for _ in range(2):
        world = KochCubesWorld(11, "push the blue cube")
        move(world, over(0.16, 0.05, 0.03, -0.5), 8)
        snapshots.append(world.snapshot())
    np.testing.assert_array_equal(snapshots[0], snapshots[1])


def test_a_used_world_resets_to_what_a_new_one_is() -> None:
    world = KochCubesWorld(3, "touch the red cube")
    move(world, over(0.16, 0.05, 0.02, -0.3), 6)
    world.reset(11, "push the blue cube")
    fresh = KochCubesWorld(11, "push the blue cube")
    np.testing.assert_array_equal(world.snapshot(), fresh.snapshot())
    assert world.colours == fresh.colours


def test_another_seed_gives_another_scene() -> None:
    one, other = (KochCubesWorld(seed, "push the blue cube").cubes for seed in (1, 2))
    assert np.abs(one - other).max() > 0.005


@pytest.mark.parametrize("task", [task.text for task in ALL_TASKS])
def test_the_named_cube_has_the_named_colour_and_room_around_it(task: str) -> None:
    for seed in range(5):
        world = KochCubesWorld(seed, task)
        assert world.colours[0] in task
        assert len(set(world.colours)) == 3
        first, second, third = world.cubes[:, :2]
        gaps = [math.dist(*pair) for pair in ((first, second), (first, third), (second, third))]
        assert min(gaps) > CLEARANCE_M - 0.002
        np.testing.assert_allclose(world.cubes[:, 2], CUBE_HALF, atol=1e-3)


def test_the_gripper_grasps_lifts_and_only_then_is_it_a_success() -> None:
    world = KochCubesWorld(4, "pick up the green cube")
    x, y, _ = world.cubes[0]
    move(world, over(x, y, 0.06, -1.05), 12)
    move(world, over(x, y, 0.0165, -1.05), 8)
    move(world, over(x, y, 0.0165, -0.34), 8)
    assert not world.success()
    move(world, over(x, y, 0.075, -0.34), 8)
    assert world.cubes[0, 2] > 0.045
    move(world, over(x, y, 0.075, -0.34), 6)
    assert world.success()


def test_an_open_gripper_lifts_nothing() -> None:
    world = KochCubesWorld(4, "pick up the green cube")
    x, y, _ = world.cubes[0]
    move(world, over(x, y, 0.06, -1.05), 12)
    move(world, over(x, y, 0.0165, -1.05), 8)
    move(world, over(x, y, 0.075, -1.05), 14)
    assert not world.success()


def test_without_torque_the_arm_sinks() -> None:
    world = KochCubesWorld(4, "touch the red cube")
    before = world.data.site("grasp").xpos[2]
    world.set_torque(False)
    world.step(200)
    assert world.data.site("grasp").xpos[2] < before - 0.03


def test_the_robot_file_rests_where_the_world_starts() -> None:
    np.testing.assert_allclose(open_robot("koch-sim").rest, START_POSE, atol=math.radians(0.1))


@pytest.mark.parametrize(
    "text", ["fetch the red cube", "touch the purple cube", "touch red", "", "touch the red cube now"]
)
def test_sentences_of_another_world_are_refused_by_name(text: str) -> None:
    with pytest.raises(InstructionError, match="knows"):
        parse_task(text)


def test_capitals_and_spaces_do_not_matter() -> None:
    assert parse_task("  Pick  up the RED cube ").text == "pick up the red cube"


class TestMonitor:
    """Success is only what the sentence says."""

    START = np.array([[0.18, 0.0, CUBE_HALF], [0.15, 0.1, CUBE_HALF], [0.15, -0.1, CUBE_HALF]])

    def monitor(self, text: str) -> TaskMonitor:
        return TaskMonitor(parse_task(text), self.START.copy())

    def moved(self, cube: int, dx: float, dz: float = 0.0) -> Float64:
        cubes: Float64 = self.START.copy()
        cubes[cube] += [dx, 0.0, dz]
        return cubes

    def test_a_brush_is_no_touch(self) -> None:
        monitor = self.monitor("touch the red cube")
        for tick, touched in enumerate([True, False] * 40):
            monitor.update(tick * 0.05, self.START, touched)
        assert not monitor.succeeded

    def test_a_touch_that_lasts_counts(self) -> None:
        monitor = self.monitor("touch the red cube")
        for tick in range(6):
            monitor.update(tick * 0.05, self.START, True)
        assert monitor.succeeded

    def test_pushing_needs_four_centimetres_on_the_table(self) -> None:
        monitor = self.monitor("push the red cube")
        monitor.update(0.0, self.moved(0, 0.039), False)
        monitor.update(0.1, self.moved(0, 0.06, dz=0.05), False)
        assert not monitor.succeeded
        monitor.update(0.2, self.moved(0, 0.041), False)
        assert monitor.succeeded

    def test_moving_another_cube_spoils_it(self) -> None:
        monitor = self.monitor("push the red cube")
        cubes = self.moved(0, 0.05)
        cubes[1] += [0.025, 0.0, 0.0]
        monitor.update(0.0, cubes, False)
        assert not monitor.succeeded

    def test_a_lift_must_be_held(self) -> None:
        monitor = self.monitor("pick up the red cube")
        monitor.update(0.0, self.moved(0, 0.0, dz=0.05), False)
        monitor.update(0.3, self.moved(0, 0.0, dz=0.01), False)
        monitor.update(0.6, self.moved(0, 0.0, dz=0.05), False)
        assert not monitor.succeeded
        monitor.update(1.2, self.moved(0, 0.0, dz=0.05), False)
        assert monitor.succeeded


def test_every_colour_is_told_apart() -> None:
    colours = np.array(list(PALETTE.values()))
    distances = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
    assert distances[~np.eye(len(colours), dtype=bool)].min() > 0.4

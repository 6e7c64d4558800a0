"""The mechanics behind the servos."""

from __future__ import annotations

import math

import numpy as np
import pytest

from libra_edge.drivers.dynamixel.servo_model import VELOCITY_UNIT_RPM
from libra_edge.drivers.simulation.mujoco_plant import MujocoPlant
from libra_edge.drivers.simulation.servos.plant import ServoPlant
from libra_edge.drivers.simulation.world import KochCubesWorld
from libra_edge.errors import ConfigError
from libra_edge.robot import TICKS_PER_TURN, open_robot
from tests.simulation_process.small_robot import SEED, TASK

ROBOT = open_robot("koch-sim")
PAN, LIFT, ELBOW, GRIPPER = 1, 2, 3, 6
FAST, SLOW = 200, 10
SECOND = 200


@pytest.fixture
def plant() -> MujocoPlant:
    return MujocoPlant(ROBOT, KochCubesWorld(SEED, TASK))


def run(plant: MujocoPlant, steps: int) -> None:
    for _ in range(steps):
        plant.step()


def position(plant: MujocoPlant, servo_id: int) -> int:
    return plant.measure(servo_id).position_tick


def test_goal_moves_the_joint_there(plant: MujocoPlant) -> None:
    start = position(plant, PAN)
    plant.set_torque(PAN, True)
    plant.set_goal(PAN, start + 300, FAST)
    run(plant, SECOND)
    assert position(plant, PAN) == pytest.approx(start + 300, abs=4)


def test_measured_ticks_are_those_of_the_robot_file(plant: MujocoPlant) -> None:
    world = KochCubesWorld(SEED, TASK)
    ticks = [position(plant, joint.id) for joint in ROBOT.joint]
    np.testing.assert_array_equal(ticks, ROBOT.to_ticks(world.position))


def test_profile_velocity_is_kept_and_reported(plant: MujocoPlant) -> None:
    plant.set_torque(PAN, True)
    start = position(plant, PAN)
    plant.set_goal(PAN, start + 1000, SLOW)
    run(plant, SECOND // 2)
    half, speed = position(plant, PAN), plant.measure(PAN).velocity_raw
    run(plant, SECOND)
    ticks_a_second = SLOW * VELOCITY_UNIT_RPM / 60 * TICKS_PER_TURN
    assert position(plant, PAN) - half == pytest.approx(ticks_a_second, rel=0.05)
    assert speed == pytest.approx(SLOW, abs=1)


def test_stop_ends_the_motion_under_torque(plant: MujocoPlant) -> None:
    plant.set_torque(PAN, True)
    plant.set_goal(PAN, position(plant, PAN) + 1000, SLOW)
    run(plant, SECOND)
    plant.stop(PAN)
    run(plant, SECOND // 4)
    stopped = position(plant, PAN)
    run(plant, SECOND)
    assert position(plant, PAN) == stopped


def test_arm_is_propped_up_until_torque_was_on_once_then_falls(plant: MujocoPlant) -> None:
    start = position(plant, LIFT)
    plant.set_torque(LIFT, False)
    run(plant, SECOND)
    assert position(plant, LIFT) == pytest.approx(start, abs=4)
    plant.set_torque(LIFT, True)
    run(plant, SECOND)
    assert position(plant, LIFT) == pytest.approx(start, abs=4)
    plant.set_torque(LIFT, False)
    run(plant, 2 * SECOND)
    assert abs(position(plant, LIFT) - start) > 30
    assert plant.measure(LIFT).current_raw == 0


def test_torque_holds_the_position_it_finds(plant: MujocoPlant) -> None:
    plant.set_torque(LIFT, True)
    plant.set_goal(LIFT, position(plant, LIFT) - 100, FAST)
    plant.set_torque(LIFT, False)
    run(plant, SECOND)
    fallen = position(plant, LIFT)
    plant.set_torque(LIFT, True)
    run(plant, SECOND)
    assert position(plant, LIFT) == pytest.approx(fallen, abs=8)


def test_load_points_where_the_servo_pushes(plant: MujocoPlant) -> None:
    plant.set_torque(GRIPPER, True)
    closed = int(ROBOT.to_ticks(ROBOT.high)[GRIPPER - 1])
    direction = int(math.copysign(1, closed - position(plant, GRIPPER)))
    plant.set_goal(GRIPPER, closed + direction * 400, FAST)
    plant.step()
    assert math.copysign(1, plant.measure(GRIPPER).current_raw) == direction


def test_other_joints_are_refused() -> None:
    other = ROBOT.model_copy(update={"joint": ROBOT.joint[:5]})
    with pytest.raises(ConfigError, match="joints must be shoulder_pan"):
        MujocoPlant(other, KochCubesWorld(SEED, TASK))


def test_satisfies_the_protocol(plant: MujocoPlant) -> None:
    conforming: ServoPlant = plant
    assert conforming.measure(PAN).position_tick

"""The links of the robot file against a simulator's own kinematics, and the derivatives against differences."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from libra_edge.drivers.simulation.scene import scene_xml
from libra_edge.messages import Float64
from libra_edge.robot import open_robot
from libra_edge.runtime.forward_kinematics import ForwardKinematics

ROBOT = open_robot("koch-sim")
KINEMATICS = ForwardKinematics.of(ROBOT)
BODIES = {
    "shoulder_pan": "pan_link",
    "shoulder_lift": "upper_arm",
    "elbow_flex": "forearm",
    "wrist_flex": "wrist",
    "wrist_roll": "hand",
    "gripper": "jaw",
}
HALF_A_TURN = np.array([-1.0, -1.0, 1.0])
"""The simulated arm's own frames point along -x, see its scene."""


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(scene_xml())


@pytest.fixture(scope="module")
def poses() -> Float64:
    drawn: Float64 = np.random.default_rng(3).uniform(ROBOT.low, ROBOT.high, size=(200, len(ROBOT.joint)))
    return drawn


def posed(model: mujoco.MjModel, pose: Float64) -> mujoco.MjData:
    data = mujoco.MjData(model)
    for name, angle in zip(ROBOT.joint_names, pose, strict=True):
        data.joint(name).qpos[0] = angle
    mujoco.mj_kinematics(model, data)
    return data


def test_every_ball_moves_with_its_link(model: mujoco.MjModel, poses: Float64) -> None:
    assert ROBOT.workspace is not None
    for pose, centres in zip(poses, KINEMATICS.centres(poses), strict=True):
        data = posed(model, pose)
        expected = [
            data.body(BODIES[link.joint]).xpos
            + data.body(BODIES[link.joint]).xmat.reshape(3, 3) @ (HALF_A_TURN * ball[:3])
            for link in ROBOT.workspace.link
            for ball in link.balls_m
        ]
        np.testing.assert_allclose(centres, expected, atol=1e-9)


def test_the_lowest_corner_of_the_fingers_is_a_ball(model: mujoco.MjModel, poses: Float64) -> None:
    """Whatever touches in the simulation is covered, to the rounding of the file's figures."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    for pose, centres in zip(poses, KINEMATICS.centres(poses), strict=True):
        data = posed(model, pose)
        lowest = min(
            float(
                (data.geom(name).xpos + (corners * model.geom(name).size) @ data.geom(name).xmat.reshape(3, 3).T)[
                    :, 2
                ].min()
            )
            for name in ("finger", "jaw_pad")
        )
        assert (centres[:, 2] - KINEMATICS.radii).min() <= lowest + 2e-4


def test_the_jacobian_is_the_derivative(poses: Float64) -> None:
    step = 1e-6
    for pose in poses[:20]:
        differences = [
            (KINEMATICS.centres(pose + step * each) - KINEMATICS.centres(pose - step * each)) / (2.0 * step)
            for each in np.eye(len(pose))
        ]
        at = KINEMATICS.at(pose)
        np.testing.assert_allclose(at.jacobian, np.stack(differences, axis=-1), atol=1e-8)
        np.testing.assert_array_equal(at.centres, KINEMATICS.centres(pose))


def test_no_ball_moves_faster_than_its_reach(poses: Float64) -> None:
    speeds = np.linalg.norm(KINEMATICS.at(poses).jacobian, axis=-2)
    assert np.all(speeds <= KINEMATICS.reach + 1e-9)
    assert np.all(speeds.max(axis=0)[KINEMATICS.reach > 0.0] > 0.0)


def test_many_arms_are_worked_out_as_one_by_one(poses: Float64) -> None:
    many = KINEMATICS.at(poses.reshape(10, 20, -1))
    one = KINEMATICS.at(poses[27])
    np.testing.assert_allclose(many.jacobian[1, 7], one.jacobian, atol=1e-12)
    np.testing.assert_allclose(many.centres[1, 7], one.centres, atol=1e-12)


def test_a_robot_file_without_links_has_none() -> None:
    with pytest.raises(ValueError, match="says nothing of its links"):
        ForwardKinematics.of(ROBOT.model_copy(update={"workspace": None}))


@pytest.mark.parametrize("joint", ["shoulder_lift", "wrist_roll", "gripper"])
def test_a_links_frame_is_where_mujoco_has_its_body(model: mujoco.MjModel, joint: str) -> None:
    body = {"shoulder_lift": "upper_arm", "wrist_roll": "hand", "gripper": "jaw"}[joint]
    kinematics, data = ForwardKinematics.of(ROBOT), mujoco.MjData(model)
    for seed in range(5):
        pose = np.random.default_rng(seed).uniform(ROBOT.low, ROBOT.high)
        data.qpos[:6] = pose
        mujoco.mj_kinematics(model, data)
        rotation, origin = kinematics.link(pose, joint)
        np.testing.assert_allclose(origin, data.body(body).xpos, atol=1e-4)
        half_turn = np.diag([-1.0, -1.0, 1.0])  # the scene's arm points along -x, see scene.py
        np.testing.assert_allclose(rotation @ half_turn, data.body(body).xmat.reshape(3, 3), atol=1e-9)


def test_a_joint_that_turns_no_link_is_refused() -> None:
    with pytest.raises(ValueError, match="no link is turned by 'elbow'"):
        ForwardKinematics.of(ROBOT).link(ROBOT.rest, "elbow")

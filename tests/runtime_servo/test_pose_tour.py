"""Poses around a pose, and the lines between them."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.messages import Float64
from libra_edge.robot import open_robot
from libra_edge.runtime.pose_tour import ARM_RAD, WRIST_RAD, line_piece, poses_around

ROBOT = open_robot("koch-sim")
MOVED = ROBOT.joint_names[:5]
SHARES = st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6)


def pose_at(shares: list[float]) -> Float64:
    """Within the robot's range."""
    pose: Float64 = np.clip(ROBOT.low + np.array(shares) * (ROBOT.high - ROBOT.low), ROBOT.low, ROBOT.high)
    return pose


@given(SHARES)
def test_poses_keep_the_limits_and_leave_other_joints(shares: list[float]) -> None:
    here = pose_at(shares)
    for pose in itertools.islice(poses_around(here, ROBOT, MOVED), 30):
        assert np.all(pose >= ROBOT.low)
        assert np.all(pose <= ROBOT.high)
        assert pose[5] == here[5]
        assert np.all(np.abs(pose - here)[:3] <= ARM_RAD + 1e-12)
        assert np.all(np.abs(pose - here)[3:5] <= WRIST_RAD + 1e-12)


def test_a_dozen_poses_fill_the_range_of_every_joint() -> None:
    poses = np.array(list(itertools.islice(poses_around(ROBOT.rest, ROBOT, MOVED), 12)))[:, :5]
    reach = np.array([ARM_RAD] * 3 + [WRIST_RAD] * 2)
    thirds = np.floor((poses - ROBOT.rest[:5] + reach) / (2 * reach) * 3).clip(0, 2)
    assert all(set(column) == {0.0, 1.0, 2.0} for column in thirds.T)
    assert np.linalg.matrix_rank(poses - poses.mean(axis=0), tol=0.05) == 5


@given(SHARES, SHARES, st.floats(0.05, 1.0))
def test_pieces_lead_straight_to_the_target_and_stop_there(
    first: list[float], last: list[float], speed_rad_s: float
) -> None:
    start, target = pose_at(first), pose_at(last)
    now_ns, at, steps = 5_000_000_000, start, 0
    while np.max(np.abs(target - at)) > 1e-3 and steps < 2000:
        piece = line_piece(at, target, speed_rad_s, now_ns)
        assert np.max(np.abs(piece.velocity)) <= speed_rad_s * (1 + 1e-9)
        now_ns += 100_000_000
        moved = piece.goal_at(now_ns)
        assert np.max(np.abs(moved - at)) <= speed_rad_s * 0.1 * (1 + 1e-6)
        at, steps = moved, steps + 1
    np.testing.assert_allclose(at, target, atol=1e-3)
    assert steps <= np.max(np.abs(target - start)) / (0.1 * speed_rad_s) + 2


def test_a_pose_that_is_reached_asks_for_nothing() -> None:
    piece = line_piece(ROBOT.rest, ROBOT.rest, 0.2, 0)
    np.testing.assert_array_equal(piece.velocity, np.zeros(6))
    np.testing.assert_array_equal(piece.goal_at(piece.end_ns), ROBOT.rest)

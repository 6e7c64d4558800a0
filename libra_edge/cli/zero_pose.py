"""The pose in which every joint angle is 0, drawn from the robot file's links, and which way each joint moves."""

from __future__ import annotations

import numpy as np

from libra_edge.errors import ConfigError
from libra_edge.messages import Float64
from libra_edge.robot import JointSection, Robot
from libra_edge.runtime.forward_kinematics import ForwardKinematics

WIDTH = 56
ASPECT = 2.0
"""A sign of the terminal is so many times as high as wide."""
AXES = (("forward", "back"), ("to the left", "to the right"), ("up", "down"))
NOTEWORTHY = 0.4
"""Of the largest part of a motion: smaller parts are not told."""
ALONG = 0.9


def draw_zero_pose(robot: Robot) -> str:
    """The arm from its right side, forward to the right, up to the top; a digit for each servo's joint.

    Raises ConfigError for a robot file without links.
    """
    kinematics = _kinematics(robot)
    zero = np.zeros(len(robot.joint))
    assert robot.workspace is not None
    joints, tip = kinematics.origins(zero), kinematics.centres(zero)[-4:].mean(axis=0)
    ids = [robot.joint[robot.joint_names.index(link.joint)].id for link in robot.workspace.link]
    foot = np.array([joints[0][0], 0.0, 0.0])
    way = np.array([foot, *joints, tip])[:, [0, 2]]
    return _drawn(way, ["", *map(str, ids), ">"])


def told_way(robot: Robot, joint: JointSection, way: int) -> str:
    """What a joint's links do when it turns the positive (`way` +1) or the negative way from the zero pose, in words.

    Raises ConfigError for a robot file without links, or with none for this joint.
    """
    kinematics, zero = _kinematics(robot), np.zeros(len(robot.joint))
    try:
        rotation, _ = kinematics.link(zero, joint.name)
    except ValueError as error:
        raise ConfigError(f"robot {robot.name!r}: {error}") from error
    assert robot.workspace is not None
    link = next(link for link in robot.workspace.link if link.joint == joint.name)
    axis = way * (rotation @ np.array(link.axis)) / np.linalg.norm(link.axis)
    if abs(axis[0]) > ALONG:
        return f"what it carries turns {'clockwise' if axis[0] > 0 else 'anticlockwise'}, seen from behind the arm"
    motion = way * kinematics.at(zero).jacobian[:, :, robot.joint_names.index(joint.name)].sum(axis=0)
    parts = [
        AXES[i][0 if part > 0 else 1] for i, part in enumerate(motion) if abs(part) > NOTEWORTHY * np.abs(motion).max()
    ]
    return f"what it carries goes {' and '.join(parts)}"


def _kinematics(robot: Robot) -> ForwardKinematics:
    try:
        return ForwardKinematics.of(robot)
    except ValueError as error:
        raise ConfigError(
            f"{error}: without [[workspace.link]] no pose can be drawn, measure zero_tick by hand"
        ) from error


def _drawn(way: Float64, labels: list[str]) -> str:
    """`way` [n, 2] m, drawn as a line with a label at each point, over the table."""
    left, low = way[:, 0].min(), 0.0
    scale = WIDTH / max(*np.ptp(way, axis=0), 1e-3)
    columns = np.rint((way[:, 0] - left) * scale).astype(int) + 6
    rows = np.rint((way[:, 1] - low) * scale / ASPECT).astype(int)
    height, width = rows.max() + 1, columns.max() + 4
    page = [[" "] * width for _ in range(height)]
    for (c0, r0), (c1, r1) in zip(
        zip(columns, rows, strict=True), list(zip(columns, rows, strict=True))[1:], strict=False
    ):
        steps = max(abs(c1 - c0), abs(r1 - r0), 1)
        sign = "│" if abs(r1 - r0) > abs(c1 - c0) / 3 else "─"
        for step in range(steps + 1):
            page[round(r0 + (r1 - r0) * step / steps)][round(c0 + (c1 - c0) * step / steps)] = sign
    for column, row, label in zip(columns, rows, labels, strict=True):
        if label:
            page[row][column] = label
    table = "▔" * width
    return "\n".join(["".join(row).rstrip() for row in reversed(page)] + [table])

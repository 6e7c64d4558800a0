"""Guides a person through measuring an arm's kinematic zero: a drawn pose, then each joint moved a little."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from libra_edge.calibration.arm_fit import label_of
from libra_edge.calibration.zero_measurement import LEAST_DEG, ZeroMeasurement, way_with_room
from libra_edge.cli.arm_guide import EnterKey, until_entered
from libra_edge.cli.arm_view import bar
from libra_edge.cli.output import stderr_console
from libra_edge.cli.zero_pose import draw_zero_pose, told_way
from libra_edge.drivers.dynamixel.limp_arm import LimpArm
from libra_edge.robot import JointSection, Robot

POSE = (
    "Bring the arm into this pose, seen from its right side: straight ahead, nothing turned about the forearm, the "
    "gripper closed. Then press Enter."
)
FROM_POSE = "Now each joint by itself, from about the drawn pose; the directions are those of the drawing."


def guide_zero(robot: Robot, arm: LimpArm, entered: EnterKey) -> ZeroMeasurement:
    """The pose, then every joint. Raises ConfigError for a robot file without links, BusError, InputError."""
    drawing = draw_zero_pose(robot)
    told = {joint.name: told_way(robot, joint, way_with_room(joint)) for joint in robot.joint}
    stderr_console().print(Text(drawing))
    measurement = ZeroMeasurement(robot, arm.memory())
    while not measurement.done:
        asked = POSE if measurement.joint is None else _asked(measurement.joint, told)
        until_entered(
            entered,
            look=lambda: measurement.see(arm.positions()),
            lacking=measurement.lacking,
            page=lambda problem, asked=asked: _page(robot, measurement, asked, problem),  # type: ignore[misc]
        )
        if measurement.joint is None:
            stderr_console().print(FROM_POSE)
        measurement.advance()
    return measurement


def _asked(joint: JointSection, told: dict[str, str]) -> str:
    return f"{label_of(joint)}: move it by some 20 degrees, so that {told[joint.name]}. Hold it there and press Enter."


def _page(robot: Robot, measurement: ZeroMeasurement, asked: str, problem: str) -> RenderableType:
    table = Table("joint", "one turn", "tick", "moved", box=box.SIMPLE_HEAD)
    for joint in robot.joint:
        tick = measurement.positions.get(joint.name)
        now = joint is measurement.joint
        table.add_row(
            f"[bold]{joint.name}[/]" if now else joint.name,
            Text(bar(tick, tick or 0, tick or 0)),
            "no answer" if tick is None else str(tick),
            f"{abs(measurement.moved_deg):.0f} of at least {LEAST_DEG:.0f} deg" if now else "",
        )
    return Group(Text(asked, style="bold"), table, Text(problem, style="bold red"))

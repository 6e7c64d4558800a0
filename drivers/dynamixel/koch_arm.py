"""The Koch v1.1 arm: a robot file for `DynamixelArm`, and what is known of its wiring."""

from __future__ import annotations

from collections.abc import Collection

from libra_edge.drivers.dynamixel.dynamixel_arm import DynamixelArm
from libra_edge.robot import Robot

BEFORE, BEHIND = "xl430-w250", "xl330-m288"
"""The 12 V supply feeds the XL430 servos, and a step-down that feeds the XL330 servos on a chain of their own."""


def is_koch(robot: Robot) -> bool:
    """Two XL430 servos, then four XL330-M288."""
    return [joint.servo for joint in robot.joint] == [BEFORE] * 2 + [BEHIND] * 4


class KochArm(DynamixelArm):
    """Knows what servos that fall silent together have in common."""

    def advice_on(self, silent: Collection[int]) -> str:
        """What to look at when these servos do not answer."""
        behind = {joint.id for joint in self.robot.joint if joint.servo == BEHIND}
        before = {joint.id for joint in self.robot.joint if joint.servo == BEFORE}
        if behind <= set(silent) and not before & set(silent):
            return "these are all behind the 5 V step-down: check it, and the cable of its chain"
        if before <= set(silent) and not behind & set(silent):
            return "these are all on the 12 V chain: check its cable"
        return super().advice_on(silent)

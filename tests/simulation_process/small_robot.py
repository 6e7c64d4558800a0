"""koch-sim with cameras so small that a picture costs next to nothing."""

from __future__ import annotations

from libra_edge.robot import Robot, RobotCameraSection, open_robot

TASK = "touch the red cube"
SEED = 7

FRONT = RobotCameraSection(name="front", width=32, height=18, fps=30)
WRIST = RobotCameraSection(name="wrist", width=20, height=16, fps=30)


def small_robot(*cameras: RobotCameraSection) -> Robot:
    """koch-sim with these cameras, FRONT and WRIST if none is given."""
    return open_robot("koch-sim").model_copy(update={"camera": cameras or (FRONT, WRIST)})

"""What is said when an arm is found where its governor would not have led it, or the governor knows no table."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from libra_edge.messages import Float64
from libra_edge.runtime.governor import GovernorLimits

logger = logging.getLogger(__name__)


def warn_of_pose(limits: GovernorLimits, joint_names: Sequence[str], pose: Float64) -> None:
    """Log one warning for each thing that is amiss with an arm found at `pose`, float64 [D] rad."""
    outside = (pose < limits.low) | (pose > limits.high)
    for name, angle in zip(np.array(joint_names)[outside], pose[outside], strict=True):
        logger.warning("%s stands at %.1f degrees, outside its range: it may only come in", name, np.degrees(angle))
    if limits.workspace is None:
        logger.warning("the robot file has no [workspace]: nothing keeps the links off the table and out of the base")
        return
    deepest_mm = 1e3 * -float(limits.workspace.distances(pose).min())
    if deepest_mm > 0.0:
        logger.warning("a link is %.0f mm inside table or base, by the robot file: it may only come out", deepest_mm)

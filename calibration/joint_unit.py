"""Joint positions from outside: their order, their unit, and whether they can be those of the model's robot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from libra_edge.messages import Float64
from libra_edge.model_spec import ModelSpec

Unit = Literal["deg", "rad"]

NAME_FORMS = ("{}.pos", "{}", "main_{}", "main_{}.pos")
"""How LeRobot's versions name a joint."""
MARGIN = 0.1
"""Of a joint's range, by which a position may leave it."""
MOST_OUTSIDE = 0.1
"""Share of a joint's positions that may lie beyond the margin."""


def joint_columns(names: Any, joints: Sequence[str], feature: str) -> list[int]:
    """Which column of `feature` is which of `joints`, from LeRobot's `names`: a list, or a table that holds one.

    Raises ValueError, of one clause.
    """
    listed = next(iter(names.values()), None) if isinstance(names, dict) and len(names) == 1 else names
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise ValueError(f"{feature} has no names for its columns in meta/info.json")
    columns = []
    for joint in joints:
        found = [listed.index(form.format(joint)) for form in NAME_FORMS if form.format(joint) in listed]
        if not found:
            raise ValueError(f"{feature} has no joint {joint!r}, only {', '.join(listed)}")
        columns.append(found[0])
    return columns


def radians(values: Float64, unit: Unit) -> Float64:
    """`values` in `unit` -> rad."""
    return np.radians(values) if unit == "deg" else values


def check_positions(positions: Float64, spec: ModelSpec, unit: Unit, feature: str) -> None:
    """Refuse positions, float64 [S, D] rad as read in `unit`, that are not this robot's. Raises ValueError."""
    degrees = np.degrees(positions)
    finite = degrees[np.isfinite(degrees)]
    if unit == "deg" and finite.size and np.max(np.abs(finite)) <= 2 * np.pi:
        raise ValueError(f"{feature} never leaves -6.28..6.28, which looks like radians: use --joint-unit rad")
    low, high = np.degrees(spec.action.low), np.degrees(spec.action.high)
    margin = MARGIN * (high - low)
    outside = np.mean((degrees < low - margin) | (degrees > high + margin), axis=0)
    joint = int(np.argmax(outside))
    if outside[joint] > MOST_OUTSIDE:
        column = degrees[:, joint] if unit == "deg" else positions[:, joint]
        expected = (low, high) if unit == "deg" else (spec.action.low, spec.action.high)
        raise ValueError(
            f"{feature} of joint {spec.action.joints[joint]!r} goes from {np.nanmin(column):.4g} to "
            f"{np.nanmax(column):.4g} {unit}, the model's range is {expected[0][joint]:.4g} to "
            f"{expected[1][joint]:.4g}: give its unit (--joint-unit), and convert values that are normalised "
            "(-100..100, gripper 0..100) or count from another zero"
        )

"""What calibration samples cover, on the terminal: a bar for each joint, a heat map for each camera."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from libra_edge.calibration.coverage import Coverage, JointCoverage, PictureCoverage

logger = logging.getLogger(__name__)

HEIGHTS = " ▁▂▃▄▅▆▇█"
COLD, HOT = np.array([28.0, 44.0, 74.0]), np.array([255.0, 170.0, 40.0])
NARROW = 0.25
"""A joint or a picture of which a smaller share was seen is announced."""


def show_coverage(coverage: Coverage, removed: Mapping[str, int], console: Console) -> None:
    """Print all of it."""
    console.print(_summary(coverage, removed))
    heads = ("joint", "where in the range", "seen, deg", "range, deg", "share", "bins")
    joints = Table(*(Column(head, no_wrap=True) for head in heads), box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for joint, tokens in zip(coverage.joints, coverage.token_share, strict=True):
        seen, model = _span(joint.low, joint.high), _span(joint.model_low, joint.model_high)
        joints.add_row(joint.name, _bars(joint), seen, model, f"{joint.share:.0%}", f"{tokens:.0%}")
    console.print(joints)
    for picture in coverage.pictures:
        console.print(_heat_map(picture))
    for what, share in _narrow(coverage):
        logger.warning("%s: only %.0f %% was seen; INT8 ranges hold for what the samples show", what, 100 * share)


def _summary(coverage: Coverage, removed: Mapping[str, int]) -> str:
    gone = " and ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in removed.items())
    tasks = ", ".join(f"{words!r} {count}" for words, count in coverage.tasks)
    return (
        f"{coverage.calibration} samples for ranges, {coverage.held_out} held out to judge; "
        f"near-duplicates removed: {gone}.\nTasks: {tasks}"
    )


def _bars(joint: JointCoverage) -> str:
    """One letter for each part of the range; any sample at all shows."""
    most = max(joint.histogram)
    return "".join(HEIGHTS[-(-count * (len(HEIGHTS) - 1) // most)] for count in joint.histogram)


def _heat_map(picture: PictureCoverage) -> Text:
    """The picture's parts, the warmer the more often something changed there; the figures are percent."""
    brightness = f"brightness {picture.darkest:.0f} to {picture.brightest:.0f} of 255"
    text = Text(f"camera {picture.camera}: {picture.share:.0%} of the picture changes, {brightness}\n")
    for row in picture.changed:
        for share in row:
            red, green, blue = (round(float(part)) for part in COLD + share * (HOT - COLD))
            ink = "black" if share > 0.5 else "white"
            text.append(f"{100 * share:3.0f} ", style=f"{ink} on rgb({red},{green},{blue})")
        text.append("\n")
    return text


def _span(low: float, high: float) -> str:
    return f"{np.degrees(low):.0f} .. {np.degrees(high):.0f}"


def _narrow(coverage: Coverage) -> list[tuple[str, float]]:
    joints = [(f"joint {joint.name}", joint.share) for joint in coverage.joints]
    pictures = [(f"camera {picture.camera}", picture.share) for picture in coverage.pictures]
    return [(what, share) for what, share in (*joints, *pictures) if share < NARROW]

"""Sets values of a robot file's joints in its text, so that comments and order stay."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from libra_edge.robot import JointSection, Robot

HEADER = re.compile(r"^\s*\[")
JOINT = re.compile(r"^\s*\[\[\s*joint\s*\]\]")
NAME = re.compile(r"""^\s*name\s*=\s*["']([^"']+)["']""")
SETTING = re.compile(r"^(\s*)(\w+)(\s*=\s*)([^#]*?)(\s*(?:#.*)?)$")
MEASURED = ("zero_tick", "sign", "homing_offset", "low_deg", "high_deg", "rest_deg")
"""What a calibration changes of a joint."""

Number = int | float


def rounded_inwards(robot: Robot) -> Robot:
    """The robot with joint ranges in hundredths of a degree, never wider."""
    joints = []
    for joint in robot.joint:
        low, high = math.ceil(joint.low_deg * 100) / 100, math.floor(joint.high_deg * 100) / 100
        rest = min(max(round(joint.rest_deg, 2), low), high)
        joints.append(joint.model_dump() | {"low_deg": low, "high_deg": high, "rest_deg": rest})
    return Robot.model_validate({**robot.model_dump(), "joint": joints})


def changes_between(before: Robot, after: Robot) -> dict[str, dict[str, Number]]:
    """By joint name, what of MEASURED is another value in `after`."""
    return {old.name: _changed(old, new) for old, new in zip(before.joint, after.joint, strict=True)}


def with_joint_values(text: str, values: Mapping[str, Mapping[str, Number]]) -> str:
    """`text` with `values` (joint name -> key -> number) in its [[joint]] tables; keys that are missing are added.

    Knows one key a line, as our files have it: read the result again before it is trusted.
    """
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if HEADER.match(line):
            blocks.append([])
        blocks[-1].append(line)
    return "\n".join(line for block in blocks for line in _set(block, values)) + "\n"


def _set(block: list[str], values: Mapping[str, Mapping[str, Number]]) -> list[str]:
    names = [found.group(1) for line in block if (found := NAME.match(line))]
    if not block or not JOINT.match(block[0]) or not names or names[0] not in values:
        return block
    left, lines = dict(values[names[0]]), []
    for line in block:
        setting = SETTING.match(line)
        if setting and setting.group(2) in left:
            indent, key, equals, _, rest = setting.groups()
            lines.append(f"{indent}{key}{equals}{left.pop(key)!r}{rest}")
        else:
            lines.append(line)
    end = len(lines) - next((i for i, line in enumerate(reversed(lines)) if line.strip()), 0)
    return [*lines[:end], *(f"{key} = {value!r}" for key, value in left.items()), *lines[end:]]


def _changed(before: JointSection, after: JointSection) -> dict[str, Number]:
    old, new = before.model_dump(), after.model_dump()
    return {key: new[key] for key in MEASURED if new[key] is not None and new[key] != old[key]}

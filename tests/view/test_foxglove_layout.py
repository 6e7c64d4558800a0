"""The layout for Foxglove asks for topics and fields that a recording has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from foxglove_schemas_protobuf.JointState_pb2 import JointState

from libra_edge.robot import open_robot
from libra_edge.runtime.recording_messages import (
    CAMERA,
    CHUNK,
    CHUNK_FORM,
    COMMAND,
    COMMAND_FORM,
    FAULT,
    FAULT_FORM,
    GOAL,
    LOG,
    MEASURED,
    PLAN,
)

LAYOUT = Path(__file__).resolve().parents[2] / "docs/examples/foxglove-koch.json"
FORMS = {CHUNK: CHUNK_FORM, COMMAND: COMMAND_FORM, FAULT: FAULT_FORM}
JOINT = re.compile(r'\.joints\[:\]\{name=="(\w+)"\}\.(\w+)')


def panels() -> dict[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = json.loads(LAYOUT.read_text())["configById"]
    return content


def test_every_curve_is_of_a_field_that_exists() -> None:
    paths = [curve["value"] for panel in panels().values() for curve in panel.get("paths", [])]
    assert len(paths) > 12
    for path in paths:
        topic = next(topic for topic in (*FORMS, GOAL, MEASURED) if path.startswith(topic + "."))
        field = path.removeprefix(topic)
        if topic in FORMS:
            assert field[1:] in FORMS[topic].properties
        else:
            matched = JOINT.fullmatch(field)
            assert matched is not None
            assert matched[1] in open_robot("koch").joint_names
            assert matched[2] in JointState.DESCRIPTOR.fields_by_name


def test_pictures_log_and_plan_are_shown() -> None:
    shown = panels()
    cameras = {panel["imageMode"]["imageTopic"] for name, panel in shown.items() if name.startswith("Image!")}
    assert cameras == {CAMERA + camera.name for camera in open_robot("koch").camera}
    assert shown["RosOut!log"]["topicToRender"] == LOG
    assert shown["RawMessages!plan"]["topicPath"] == PLAN


def test_every_panel_has_its_place() -> None:
    placed: list[str] = []

    def collect(node: Any) -> None:
        if isinstance(node, str):
            placed.append(node)
        else:
            collect(node["first"])
            collect(node["second"])

    collect(json.loads(LAYOUT.read_text())["layout"])
    assert sorted(placed) == sorted(panels())

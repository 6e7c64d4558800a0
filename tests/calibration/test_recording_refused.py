"""Recordings made by hand that do not fit the model: each is refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap.writer import Writer

from libra_edge.calibration.samples import CalibrationSamples
from libra_edge.errors import CalibrationError
from libra_edge.instruction import InstructionEncoder
from libra_edge.model_spec import ModelSpec
from tests.calibration.recorded import TASK, read
from tests.models import CAMERAS

PLAN = {"plan_id": 1, "tokens": [[0] * 6] * 10}
SEEN = {"frames": {"front": 0, "wrist": 0}, "position_rad": [0.0] * 6}
FACTS = {
    "task": TASK,
    "model": "tiny",
    "joints": "shoulder_pan shoulder_lift elbow_flex wrist_flex wrist_roll gripper",
    "seed": "3",
}
CHUNK = {"first_step": 0, "step_ns": 100_000_000, "plan_id": 1, "plan_age_steps": 0, "positions_rad": [[0.0] * 6] * 5}


@pytest.fixture
def read_it(spec: ModelSpec, encoder: InstructionEncoder) -> Callable[[Path], CalibrationSamples]:
    return lambda path: read(path, spec, encoder)


def write_messages(path: Path, messages: list[tuple[str, bytes]], facts: dict[str, str] = FACTS) -> Path:
    """An MCAP file by hand, with the metadata of a run of the tiny model."""
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        writer.add_metadata("run", facts)
        schema = writer.register_schema("any", SchemaEncoding.JSONSchema, b"{}")
        for topic, data in messages:
            channel = writer.register_channel(topic, MessageEncoding.JSON, schema)
            writer.add_message(channel, 0, data, publish_time=0)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def black(change: Callable[[Any], None] = lambda _image: None) -> list[tuple[str, bytes]]:
    """A black picture of each camera, changed."""
    messages = []
    for camera, (height, width) in CAMERAS.items():
        image = RawImage(width=width, height=height, encoding="rgb8", data=bytes(3 * width * height))
        change(image)
        messages.append((f"/camera/{camera}", image.SerializeToString()))
    return messages


def dumped(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()


def test_a_state_that_is_not_a_number_is_refused(tmp_path: Path, spec: ModelSpec, encoder: InstructionEncoder) -> None:
    chunks = [{**CHUNK, "seen": {**SEEN, "position_rad": [0.0] * 5 + [float("nan")]}}] * 32
    messages = [*black(), ("/policy/plan", dumped(PLAN)), *[("/policy/chunk", dumped(one)) for one in chunks]]
    with pytest.raises(CalibrationError, match="state has a value that is not finite in sample 0"):
        read(write_messages(tmp_path / "run.mcap", messages), spec, encoder)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"task": "fold the laundry"}, "words the model does not know"),
        ({"joints": "shoulder elbow"}, "is of joints shoulder elbow, the model has shoulder_pan"),
        ({"pictures": "jpeg"}, "pictures as jpeg, not those that the model saw"),
        ({"seed": "-1"}, "metadata seed: Input should be greater"),
    ],
)
def test_a_run_of_something_else_is_refused(
    tmp_path: Path, spec: ModelSpec, encoder: InstructionEncoder, changed: dict[str, str], words: str
) -> None:
    one = ("/policy/chunk", dumped({**CHUNK, "seen": SEEN}))
    messages = [*black(), ("/policy/plan", dumped(PLAN)), one]
    path = write_messages(tmp_path / "run.mcap", messages, {**FACTS, **changed})
    with pytest.raises(CalibrationError, match=words) as caught:
        read(path, spec, encoder)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("chunk", "plan", "words"),
    [
        ({"plan_age_steps": 6}, {}, "whose plan, 6 steps old, ends before it does"),
        ({"positions_rad": [[0.0] * 6] * 4}, {}, r"of a policy with \[100000000, 4, 10, 6\]"),
        ({"seen": {**SEEN, "position_rad": [0.0] * 5}}, {}, "is of a policy with"),
        ({}, {"tokens": [[0] * 6] * 9 + [[0] * 5]}, "is of a policy with"),
        ({}, {"tokens": [[10] * 6] * 10}, r"tokens leave 0\.\.9"),
        ({"first_step": -1}, {}, "does not parse: first_step"),
        ({"plan_id": 2}, {}, "1 recordings with 32 chunks, none of them with its plan and its frames"),
        ({"seen": {**SEEN, "frames": {"front": 0, "wrist": 5}}}, {}, "none of them with its plan and its frames"),
        ({}, {"tokens": "many"}, "does not parse: tokens"),
    ],
)
def test_messages_that_do_not_fit_are_refused(
    read_it: Callable[[Path], CalibrationSamples],
    tmp_path: Path,
    chunk: dict[str, Any],
    plan: dict[str, Any],
    words: str,
) -> None:
    one = ("/policy/chunk", dumped({**CHUNK, "seen": SEEN, **chunk}))
    path = write_messages(tmp_path / "run.mcap", [*black(), ("/policy/plan", dumped({**PLAN, **plan})), *[one] * 32])
    with pytest.raises(CalibrationError, match=words):
        read_it(path)


def set_field(name: str, value: Any) -> Callable[[Any], None]:
    return lambda image: setattr(image, name, value)


@pytest.mark.parametrize("change", [set_field("encoding", "bgr8"), set_field("data", b"123")])
def test_a_picture_that_is_not_rgb_is_refused(
    tmp_path: Path, spec: ModelSpec, encoder: InstructionEncoder, change: Callable[[Any], None]
) -> None:
    one = ("/policy/chunk", dumped({**CHUNK, "seen": SEEN}))
    messages = [*black(change), ("/policy/plan", dumped(PLAN)), *[one] * 32]
    with pytest.raises(CalibrationError, match="picture of camera 'front' that is not rgb8"):
        read(write_messages(tmp_path / "run.mcap", messages), spec, encoder)

"""docs/recording.md says what a recording really holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from libra_edge.runtime import recording_messages as messages
from libra_edge.runtime.recorder import MAX_WAITING_BYTES, MIN_FREE_BYTES

TEXT = (Path(__file__).parents[2] / "docs" / "recording.md").read_text(encoding="utf-8")
NAMES = set(re.findall(r"`([^`\s]+)`", TEXT))
FORMS = (messages.PLAN_FORM, messages.CHUNK_FORM, messages.COMMAND_FORM, messages.FAULT_FORM)


def test_every_topic_is_described() -> None:
    topics = {messages.PLAN, messages.CHUNK, messages.COMMAND, messages.FAULT, messages.LOG}
    assert topics | {messages.GOAL, messages.MEASURED, f"{messages.CAMERA}NAME"} <= NAMES


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_key_of_a_message_is_described(form: messages.JsonForm) -> None:
    assert form.name in NAMES
    assert set(form.properties) <= NAMES
    assert set(messages.SEEN) <= NAMES


def test_the_sizes_are_right() -> None:
    assert f"at most {MAX_WAITING_BYTES // 1_000_000} MB" in TEXT
    assert f"\n{MIN_FREE_BYTES // 1_000_000} MB free" in TEXT

"""Runs every check, each on new servos."""

from __future__ import annotations

import pytest

from tests.dynamixel.conformance.chapters import CHECKS
from tests.dynamixel.conformance.client import connected
from tests.dynamixel.conformance.rule import Check


@pytest.mark.parametrize("check", CHECKS, ids=[check.sentence for check in CHECKS])
def test_conformance(check: Check) -> None:
    with connected() as client:
        check.body(client)


def test_there_are_at_least_sixty_rules_and_none_is_told_twice() -> None:
    sentences = [check.sentence for check in CHECKS]
    assert len(sentences) >= 60
    assert len(set(sentences)) == len(sentences)

"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def ordinary_scheduling() -> Iterator[None]:
    """No test leaves a real-time class behind: what later tests start would inherit it, and starve the machine."""
    before = os.sched_getscheduler(0)
    yield
    assert os.sched_getscheduler(0) == before, "the test's own thread has another scheduling class than before"

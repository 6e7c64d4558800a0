"""A small bundle for target `tensorrt`, and a place to build its engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from libra_edge.bundle import Bundle
from tests.tensorrt.small_bundle import write_small_bundle
from tests.tensorrt.workshop import Workshop


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_small_bundle(tmp_path / "small")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)

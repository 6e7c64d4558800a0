"""A private runtime directory for each test, as for the servo process's own tests."""

from __future__ import annotations

from tests.runtime_servo.conftest import runtime_directory

__all__ = ["runtime_directory"]

"""The one place that imports OpenCV."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from libra_edge.errors import MissingDependencyError


@functools.cache
def load_opencv() -> Any:
    """The module `cv2`. Raises MissingDependencyError."""
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        advice = f"install it with: pip install 'libra-edge[calibrate]' ({error})"
        raise MissingDependencyError("cv2", advice) from error

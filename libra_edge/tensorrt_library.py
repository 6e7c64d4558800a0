"""The one place that imports TensorRT's Python module.

Elsewhere the module is an argument named `trt`, so that the same code runs on a stand-in. Its classes are written
`tensorrt.Builder` in annotations (imported from here under TYPE_CHECKING), and every object that TensorRT gives back
gets such an annotation: `make check-tensorrt` reads them to look up in the real bindings whatever our code names.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from packaging.version import Version

from libra_edge.errors import MissingDependencyError

if TYPE_CHECKING:
    import tensorrt

__all__ = ["OLDEST", "load_tensorrt", "tensorrt"]

OLDEST = Version("10.3")
"""JetPack 6.2's: the first that libra-edge was written for."""


def load_tensorrt() -> ModuleType:
    """The module `tensorrt`. Raises MissingDependencyError if there is none, or one older than JetPack 6.2's."""
    try:
        trt = importlib.import_module("tensorrt")
    except ImportError as error:
        advice = (
            f"on a Jetson it comes with JetPack 6.2 or newer, and a virtual environment sees it only with the "
            f"system's packages, as `make setup` arranges ({error})"
        )
        raise MissingDependencyError("tensorrt", advice) from error
    if Version(trt.__version__) < OLDEST:
        advice = f"version {trt.__version__} is older than {OLDEST}: install JetPack 6.2 or newer"
        raise MissingDependencyError("tensorrt", advice)
    return trt

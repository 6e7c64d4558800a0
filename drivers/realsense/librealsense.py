"""The one place that imports librealsense's Python binding."""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
from pathlib import Path
from typing import Any

from libra_edge.errors import MissingDependencyError

LIBUSB = "libusb-1.0.so.0"


@functools.cache
def load_librealsense() -> Any:
    """The module `pyrealsense2`. Raises MissingDependencyError."""
    _load_libusb()
    try:
        return importlib.import_module("pyrealsense2")
    except ImportError as error:
        advice = f"install it with: pip install 'libra-edge[realsense]' ({error})"
        raise MissingDependencyError("pyrealsense2", advice) from error


def _load_libusb() -> None:
    """Put libusb into the process before the binding asks the linker for it, which then takes the one already there.

    The system's own comes first; a machine without it uses the copy inside the PyPI package `libusb-package`.
    """
    for library in (LIBUSB, _packaged_libusb()):
        try:
            ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
        except OSError:  # if neither loads, importing the binding says which library it misses
            continue
        return


def _packaged_libusb() -> str:
    """Path of the libusb that `libusb-package` brings; the bare name if that package is not installed."""
    package = importlib.util.find_spec("libusb_package")
    if package is None or package.origin is None:
        return LIBUSB
    return str(Path(package.origin).with_name("libusb-1.0.so"))

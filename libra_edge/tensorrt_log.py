"""What TensorRT logs: its errors are kept for the sentence that a failed build, load or run ends in.

TensorRT keeps the first logger of a process for good, so there is one for each module and it is never thrown away.
"""

from __future__ import annotations

import functools
import logging
from collections import deque
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libra_edge.tensorrt_library import tensorrt

_log = logging.getLogger(__name__)

KEPT = 20
"""Errors; the first ones say most, the rest follow from them."""


class TensorrtErrors:
    """The first errors that TensorRT logged since the last `clear`."""

    def __init__(self) -> None:
        self._errors: deque[str] = deque()

    def clear(self) -> None:
        """Forget them."""
        self._errors.clear()

    def add(self, message: str) -> None:
        """Keep one, if there is room."""
        if len(self._errors) < KEPT:
            self._errors.append(message.strip())

    @property
    def out_of_memory(self) -> bool:
        """Whether TensorRT complained of too little memory."""
        text = " ".join(self._errors).lower()
        return any(words in text for words in ("out of memory", "outofmemory", "could not be allocated"))

    def first(self) -> str:
        """The first of them on one line, or that there was none."""
        return " ".join(self._errors[0].split()) if self._errors else "it logged no error"


@functools.cache
def logger_of(trt: ModuleType) -> tuple[tensorrt.ILogger, TensorrtErrors]:
    """The one logger for this TensorRT module, and the errors it hears of."""
    errors = TensorrtErrors()

    class Logger(trt.ILogger):  # type: ignore[misc, name-defined] # the module comes with the call
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: tensorrt.ILogger.Severity, msg: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                errors.add(msg)
            elif severity == trt.ILogger.WARNING:
                _log.debug("TensorRT: %s", msg)

    return Logger(), errors

"""A line of a GPIO chip: a normally closed button between a pin and ground, so that a broken wire is a press.

libgpiod's own Python bindings talk to the kernel's character device (/dev/gpiochipN).
"""

from __future__ import annotations

import importlib
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import ModuleType
from typing import Any, Literal

from libra_edge.errors import MissingHardwareError

DEBOUNCE = timedelta(milliseconds=5)
"""A contact bounces for a millisecond or two."""
Level = Literal["high", "low"]


class GpioLine:
    """See `libra_edge.protocols.StopSwitch`."""

    def __init__(self, chip: str, line: int, pressed: Level) -> None:
        """`chip` is a path such as /dev/gpiochip0, `line` an offset of it, `pressed` its level while pressed.

        The pin is pulled to that level where the chip can: an open circuit is a press.
        """
        self._chip = chip
        self._line = line
        self._pressed = pressed

    @contextmanager
    def watch(self, pressed: Callable[[bool], None]) -> Iterator[None]:
        """Call `pressed` with the state now, then at each change, from a thread of its own. A failing line is a press.

        Raises MissingHardwareError if it cannot be had.
        """
        request = self._request()
        wake, ended = os.pipe()
        thread = threading.Thread(target=self._read, args=(request, wake, pressed), name="stop switch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            os.close(ended)
            thread.join()
            os.close(wake)
            request.release()

    def _request(self) -> Any:
        gpiod = _library()
        settings = gpiod.LineSettings(
            direction=gpiod.line.Direction.INPUT,
            edge_detection=gpiod.line.Edge.BOTH,
            bias=gpiod.line.Bias.PULL_UP if self._pressed == "high" else gpiod.line.Bias.PULL_DOWN,
            active_low=self._pressed == "low",
            debounce_period=DEBOUNCE,
        )
        try:
            return gpiod.request_lines(self._chip, config={self._line: settings}, consumer="libra-edge stop")
        except (OSError, ValueError) as error:
            raise MissingHardwareError(
                f"the stop switch, line {self._line} of {self._chip}, cannot be had ({error}): is it there, free, and "
                "may you read it? `gpioinfo` lists the lines"
            ) from error

    def _read(self, request: Any, wake: int, pressed: Callable[[bool], None]) -> None:
        try:
            while True:
                pressed(bool(request.get_value(self._line).value))
                ready, _, _ = select.select([request.fd, wake], [], [])
                if wake in ready:
                    return
                request.read_edge_events()
        except OSError:
            pressed(True)


def _library() -> ModuleType:
    try:
        return importlib.import_module("gpiod")
    except ImportError as error:
        raise MissingHardwareError(f"a stop switch on a GPIO line needs gpiod ({error}): pip install gpiod") from error

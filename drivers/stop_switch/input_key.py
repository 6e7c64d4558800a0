"""A key of a Linux input device: a foot switch, a numeric pad, a mushroom button on a USB encoder.

The device gives `struct input_event` of linux/input.h: two longs of time, then type, code and value.
"""

from __future__ import annotations

import os
import select
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from libra_edge.errors import MissingHardwareError

EVENT = struct.Struct("llHHi")
EV_KEY = 1
RELEASED = 0


class InputKey:
    """See `libra_edge.protocols.StopSwitch`."""

    def __init__(self, device: str, key: int) -> None:
        """`device` is a path such as /dev/input/by-id/...-event-kbd, `key` a code of linux/input-event-codes.h."""
        self._device = device
        self._key = key

    @contextmanager
    def watch(self, pressed: Callable[[bool], None]) -> Iterator[None]:
        """Call `pressed` for each press and release, from a thread of its own. A device that goes away is a press.

        Raises MissingHardwareError if it cannot be opened.
        """
        try:
            device = os.open(self._device, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise MissingHardwareError(
                f"the stop switch {self._device} cannot be opened ({error.strerror}): is it there? may you read it?"
            ) from error
        wake, ended = os.pipe()
        thread = threading.Thread(target=self._read, args=(device, wake, pressed), name="stop switch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            os.close(ended)
            thread.join()
            os.close(wake)
            os.close(device)

    def _read(self, device: int, wake: int, pressed: Callable[[bool], None]) -> None:
        while True:
            ready, _, _ = select.select([device, wake], [], [])
            if wake in ready:
                return
            try:
                data = os.read(device, EVENT.size * 64)
            except OSError:
                data = b""
            if not data:
                pressed(True)
                return
            for _, _, kind, code, value in EVENT.iter_unpack(data[: len(data) // EVENT.size * EVENT.size]):
                if (kind, code) == (EV_KEY, self._key):
                    pressed(value != RELEASED)

"""Ctrl-C for a command without an event loop that guides a person step by step."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


class CtrlC:
    """A Ctrl-C that interrupts where nothing is half done: in the wait for a key. A second one interrupts at once.

    Raised anywhere, KeyboardInterrupt may leave a lock of the view's taken, whose thread is then waited for without
    end, or be swallowed by whatever ignores exceptions.
    """

    def __init__(self) -> None:
        self._came = self._waiting = False

    @classmethod
    @contextlib.contextmanager
    def watched(cls) -> Iterator[CtrlC]:
        """In the main thread. One that comes after the last wait is too late: what follows that is done whole."""
        ctrl_c = cls()
        before = signal.signal(signal.SIGINT, ctrl_c._arrived)
        try:
            yield ctrl_c
        finally:
            signal.signal(signal.SIGINT, before)

    @contextlib.contextmanager
    def may_interrupt(self) -> Iterator[None]:
        """Raises KeyboardInterrupt if it has come or comes meanwhile."""
        self._waiting = True
        try:
            if self._came:
                raise KeyboardInterrupt
            yield
        finally:
            self._waiting = False

    def _arrived(self, *_signal: object) -> None:
        interrupts, self._came = self._waiting or self._came, True
        if interrupts:
            raise KeyboardInterrupt

"""Tells another process, through a pipe, which camera has a new frame."""

from __future__ import annotations

import os


class Doorbell:
    """The writing end; a FrameFeeder listens at the other."""

    def __init__(self, descriptor: int | None) -> None:
        """`descriptor` None: nobody listens."""
        self._descriptor = descriptor
        if descriptor is not None:
            os.set_blocking(descriptor, False)

    def ring(self, index: int) -> None:
        """A frame of camera `index` (0..255) was published. Never waits for the listener."""
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, bytes([index]))
        except (BlockingIOError, BrokenPipeError):
            return  # the listener has unread rings already and will find the newest frame, or it is gone

    def close(self) -> None:
        """Ring no more; may be called twice. The listener notices once no process holds the pipe."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

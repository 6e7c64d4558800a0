"""A camera, and when each of its pictures had been read."""

from __future__ import annotations

import time
from collections.abc import MutableMapping

from libra_edge.messages import Frame
from libra_edge.protocols import Camera


class TimedCamera:
    """See `Camera`."""

    def __init__(self, camera: Camera, read_ns: MutableMapping[tuple[str, int], int]) -> None:
        """`read_ns` is filled: (camera's name, capture time in ns) -> when the picture was in this process, ns."""
        self.name = camera.name
        self._camera, self._read_ns = camera, read_ns

    def open(self) -> None:
        """See `Camera.open`."""
        self._camera.open()

    def read(self, timeout_s: float) -> Frame:
        """See `Camera.read`."""
        frame = self._camera.read(timeout_s)
        self._read_ns[(frame.camera, frame.captured_ns)] = time.monotonic_ns()
        return frame

    def close(self) -> None:
        """See `Camera.close`."""
        self._camera.close()

"""A camera without librealsense, for machines where that cannot be imported: frames are handed over as they are."""

from __future__ import annotations

import threading

from libra_edge.errors import CameraError, ConfigError
from libra_edge.intrinsics import Intrinsics
from libra_edge.messages import Frame


class DirectCamera:
    """Implements `libra_edge.protocols.Camera` over whatever calls `inject`, from any thread."""

    def __init__(self, name: str, intrinsics: Intrinsics | None = None) -> None:
        self.name = name
        self._intrinsics = intrinsics
        self._fresh = threading.Condition()
        self._frame: Frame | None = None
        self._open = False

    def open(self) -> None:
        """Start with the next frame."""
        with self._fresh:
            self._open, self._frame = True, None

    def intrinsics(self) -> Intrinsics:
        """Of the open stream. Raises ConfigError if it was given none, CameraError if it is not open."""
        if not self._open:
            raise CameraError(self.name, "is not open")
        if self._intrinsics is None:
            raise ConfigError(f"camera {self.name!r} gives no intrinsics")
        return self._intrinsics

    def inject(self, frame: Frame) -> None:
        """Deliver a frame; it replaces one that was not read yet."""
        with self._fresh:
            self._frame = frame
            self._fresh.notify()

    def read(self, timeout_s: float) -> Frame:
        """Wait for the next frame. Raises CameraError if none comes."""
        with self._fresh:
            if not self._open:
                raise CameraError(self.name, "is not open")
            if not self._fresh.wait_for(lambda: self._frame is not None, timeout_s) or self._frame is None:
                raise CameraError(self.name, f"sent no frame for {timeout_s:.1f} s")
            frame, self._frame = self._frame, None
            return frame

    def close(self) -> None:
        """Hand out no more frames; may be called twice."""
        with self._fresh:
            self._open = False

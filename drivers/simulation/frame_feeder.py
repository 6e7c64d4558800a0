"""Carries frames from shared memory to the runtime's cameras, one thread for all of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

from libra_edge.drivers.simulation.frame_channel import FrameReader
from libra_edge.messages import Frame

Deliver = Callable[[Frame], None]


class FrameFeeder:
    """Waits at a pipe on which the simulation writes a camera's index whenever it has published a frame of it."""

    def __init__(self, doorbell: int, reader: FrameReader, sinks: Sequence[tuple[str, Deliver]]) -> None:
        """`doorbell`: the pipe's reading end, which the thread closes at its end; sinks: (camera, deliver) by index."""
        self._doorbell = doorbell
        self._reader = reader
        self._sinks = sinks
        self._thread = threading.Thread(target=self._run, name="frame feeder", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end, which comes when the simulation has closed its end of the pipe."""
        self._thread.join()

    def _run(self) -> None:
        delivered: dict[int, int] = {}
        with os.fdopen(self._doorbell, "rb", buffering=0) as doorbell:
            while rung := doorbell.read(4096):
                for index in sorted(set(rung)):
                    camera, deliver = self._sinks[index]
                    frame = self._reader.newest(camera)
                    if frame is not None and frame.number != delivered.get(index):
                        delivered[index] = frame.number
                        deliver(frame)

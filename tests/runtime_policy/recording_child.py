"""A process that records until it is killed. With `power cut`, what was not synced never reaches the file.

python -m tests.runtime_policy.recording_child FILE [power cut]
"""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from libra_edge.messages import Frame
from libra_edge.runtime import recorder as recorder_module
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.recording_messages import frame_entry, log_entry


class VolatileDisk(io.FileIO):
    """Hands down what it was given only when it is synced."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "x+b")
        self.held = bytearray()

    def write(self, data: Any) -> int:
        self.held += data
        return len(data)

    def tell(self) -> int:
        return super().tell() + len(self.held)

    def sync(self, _descriptor: int) -> None:
        size = len(self.held)
        os.write(self.fileno(), self.held[:size])
        del self.held[:size]


def with_a_power_cut_to_come(path: Path) -> io.BufferedWriter:
    disk = VolatileDisk(path)
    os.fdatasync = disk.sync  # type: ignore[assignment]
    return io.BufferedWriter(disk)


def main() -> None:
    path = Path(sys.argv[1])
    if "power cut" in sys.argv:
        recorder_module._new_file = with_a_power_cut_to_come
    recorder, number = Recorder(path, {"task": "none"}), 0
    print("recording", flush=True)
    picture = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    while True:
        recorder.put(log_entry(time.monotonic_ns(), str(number), warning=False))
        if number % 3 == 0:
            recorder.put(frame_entry(Frame("front", picture.copy(), number, time.monotonic_ns())))
        number += 1
        time.sleep(0.01)


if __name__ == "__main__":
    main()

"""When a picture was taken: a RealSense camera's time stamps, mapped into the one monotonic clock."""

from __future__ import annotations

import time
from enum import Enum

BLOCK_NS = 10_000_000_000
"""The smallest transport delay is searched over the last one to two blocks, so that clock drift cannot pile up."""


class StampDomain(Enum):
    """What a frame's stamp counts (`rs.timestamp_domain`)."""

    HARDWARE = "hardware_clock"
    """The camera's own clock, with an origin nobody knows."""
    GLOBAL = "global_time"
    """The camera's clock, which librealsense already carried over to the host's wall clock."""
    SYSTEM = "system_time"
    """The host's wall clock on arrival, for want of a stamp from the camera: later than the capture."""


def wall_minus_monotonic_ns() -> int:
    """Wall clock minus monotonic clock, ns: the tightest of a few readings, as a thread may be paused within one."""
    readings = []
    for _ in range(3):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        readings.append((after - before, wall - (before + after) // 2))
    return min(readings)[1]


class HardwareClockMap:
    """Camera clock -> monotonic clock, through the smallest (arrival - stamp) seen lately.

    Transport delay only ever adds, so the smallest difference is the offset of the clocks plus the shortest transport.
    """

    def __init__(self) -> None:
        self._last_stamp_ns = 0
        self._block_start_ns = 0
        self._previous: int | None = None
        self._current: int | None = None

    def captured_ns(self, stamp_ns: int, arrived_ns: int) -> int:
        """Monotonic ns of a stamp; never after `arrived_ns`. A stamp that runs backwards starts the search anew."""
        if stamp_ns < self._last_stamp_ns:
            self._previous = self._current = None
        self._last_stamp_ns = stamp_ns
        if self._current is None or arrived_ns - self._block_start_ns > BLOCK_NS:
            self._previous, self._current = self._current, arrived_ns - stamp_ns
            self._block_start_ns = arrived_ns
        self._current = min(self._current, arrived_ns - stamp_ns)
        return stamp_ns + (self._current if self._previous is None else min(self._previous, self._current))


class CaptureTime:
    """Maps the stamps of one camera, whatever their domain (which may change while it streams)."""

    def __init__(self) -> None:
        self._hardware = HardwareClockMap()

    def captured_ns(self, stamp_ms: float, domain: StampDomain, arrived_ns: int) -> int:
        """Monotonic ns of a frame stamped `stamp_ms` and read at `arrived_ns`; never after it."""
        stamp_ns = round(stamp_ms * 1e6)
        if domain is StampDomain.HARDWARE:
            return self._hardware.captured_ns(stamp_ns, arrived_ns)
        return min(stamp_ns - wall_minus_monotonic_ns(), arrived_ns)

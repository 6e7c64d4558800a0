"""When a picture was taken: a RealSense camera's time stamps, mapped into the one monotonic clock."""

from __future__ import annotations

import time
from enum import Enum

from libra_edge.drivers.realsense.mapping_spread import MappingSpread

BLOCK_NS = 10_000_000_000
"""The smallest transport delay is searched over the last one to two blocks, so that clock drift cannot pile up."""
STEP_NS = 250_000_000
"""Nothing comes so much sooner than ever before; a clock that seems to run ahead by this was set."""
SETTLING = 5
"""Pictures after a clock was set, before their times are trusted: the first may have been on the way for long."""
JITTER_NS = 20_000_000
OLDEST_NS = 2_000_000_000
"""A picture cannot be stamped after its arrival, up to librealsense's own estimate, nor long before it."""
NOTICED_OFFSET_NS = 50_000_000
"""A wall clock that moves so much against the monotonic one between two pictures was set."""


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
    A stamp that runs backwards, or that comes far sooner than the shortest transport allows, shows that the camera's
    clock was set: the search starts anew. Set back by less than a period it goes unnoticed, and pictures count
    as older than they are until two blocks have passed.

    Attributes:
        steps: how often the clock was set.
        pictures: how many the present search rests on.
        spread: how exactly the offset is known.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.pictures = 0
        self.spread = MappingSpread()
        self._last_stamp_ns: int | None = None
        self._block_start_ns = 0
        self._previous: int | None = None
        self._current: int | None = None

    def captured_ns(self, stamp_ns: int, arrived_ns: int) -> int:
        """Monotonic ns of a stamp; never after `arrived_ns`."""
        if self._was_set(stamp_ns, arrived_ns):
            self.steps += 1
            self.pictures = 0
            self._previous = self._current = None
            self.spread.clear()
        self.pictures += 1
        self.spread.add(arrived_ns - stamp_ns)
        self._last_stamp_ns = stamp_ns
        if self._current is None or arrived_ns - self._block_start_ns > BLOCK_NS:
            self._previous, self._current = self._current, arrived_ns - stamp_ns
            self._block_start_ns = arrived_ns
        self._current = min(self._current, arrived_ns - stamp_ns)
        return stamp_ns + (self._current if self._previous is None else min(self._previous, self._current))

    def _was_set(self, stamp_ns: int, arrived_ns: int) -> bool:
        if self._last_stamp_ns is None or self._current is None:
            return False
        shortest = self._current if self._previous is None else min(self._previous, self._current)
        return stamp_ns < self._last_stamp_ns or arrived_ns - stamp_ns < shortest - STEP_NS


class CaptureTime:
    """Maps the stamps of one camera, whatever their domain (which may change while it streams).

    Stamps of the host's wall clock are carried over by what that clock shows now or, as it may be set while the camera
    still stamps by the old time, by what it showed before. Where neither makes sense, they are treated like those of an
    unknown clock.

    Attributes:
        jumps: how often the stamps and our clocks were found to have parted.
        uncertainty_ns: by how much capture times may be off against each other, ns; None as long as too few pictures
            came to tell, and for stamps taken on arrival, which are no capture times. All are later than the
            truth by the shortest way from sensor to host, unless librealsense took that off (`StampDomain.GLOBAL`).
    """

    def __init__(self) -> None:
        self.jumps = 0
        self.uncertainty_ns: int | None = None
        self._direct = MappingSpread()
        self._maps = {domain: HardwareClockMap() for domain in StampDomain}
        self._offset_ns = wall_minus_monotonic_ns()
        self._former_offset_ns = self._offset_ns
        self._by_wall_clock = True

    def captured_ns(self, stamp_ms: float, domain: StampDomain, arrived_ns: int) -> int | None:
        """Monotonic ns of a frame stamped `stamp_ms` and read at `arrived_ns`; never after it.

        None while that cannot be told: a clock has just been set, and a few pictures must show how it goes now.
        """
        stamp_ns, clock_map = round(stamp_ms * 1e6), self._maps[domain]
        steps = clock_map.steps
        mapped_ns = clock_map.captured_ns(stamp_ns, arrived_ns)
        self.uncertainty_ns = None if domain is StampDomain.SYSTEM else clock_map.spread.width_ns
        if domain is StampDomain.HARDWARE:
            self.jumps += clock_map.steps - steps
            return mapped_ns if clock_map.steps == 0 or clock_map.pictures >= SETTLING else None
        direct_ns = self._by_wall(stamp_ns, arrived_ns)
        if direct_ns is not None:
            self._by_wall_clock = True
            self._direct.add(arrived_ns - direct_ns)
            self.uncertainty_ns = None if domain is StampDomain.SYSTEM else self._direct.width_ns
            return direct_ns
        if clock_map.steps == 0 and stamp_ns - self._offset_ns < arrived_ns:
            return stamp_ns - self._offset_ns  # nobody set that clock: the picture is as old as it says
        self.jumps += self._by_wall_clock
        self._direct.clear()
        self._by_wall_clock = False
        return mapped_ns if clock_map.pictures >= SETTLING else None

    def _by_wall(self, stamp_ns: int, arrived_ns: int) -> int | None:
        """The stamp as the wall clock's, if that lands shortly before its arrival."""
        offset_ns = wall_minus_monotonic_ns()
        if abs(offset_ns - self._offset_ns) > NOTICED_OFFSET_NS:
            self._former_offset_ns = self._offset_ns
        self._offset_ns = offset_ns
        for offset in (self._offset_ns, self._former_offset_ns):
            if arrived_ns - OLDEST_NS <= stamp_ns - offset <= arrived_ns + JITTER_NS:
                return min(stamp_ns - offset, arrived_ns)
        return None

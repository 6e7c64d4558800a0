"""When a byte has passed a wire: ten bits each, one packet after the other."""

from __future__ import annotations

import math
import time

BITS_A_BYTE = 10
SPIN_NS = 150_000
"""`sleep` may oversleep by so much; the rest of a wait is spent looking at the clock."""


class WirePace:
    """One half-duplex wire in real time: nothing begins before what is on it has ended."""

    def __init__(self, *, sleeps: bool = True) -> None:
        """`sleeps`: false where a whole core may be spent on being exact."""
        self._free_ns = 0.0
        self._spin_ns = SPIN_NS if sleeps else math.inf

    def heard(self, size: int, baud: int, at_ns: int) -> None:
        """`size` bytes were put on the wire by the host at `at_ns`; they come all at once through a pseudo-terminal."""
        self._free_ns = max(self._free_ns, at_ns) + size * BITS_A_BYTE * 1e9 / baud

    def wait(self, size: int, baud: int, delay_us: int) -> None:
        """Return once the last bit of an answer of `size` bytes has passed, which began after `delay_us`."""
        self._free_ns += delay_us * 1e3 + size * BITS_A_BYTE * 1e9 / baud
        while (left_ns := self._free_ns - time.monotonic_ns()) > 0:
            if left_ns > self._spin_ns:
                time.sleep((left_ns - self._spin_ns) / 1e9)

"""How long beyond the bytes' own time an adapter's answers take: mean and deviation, as TCP estimates its round trip.

Source: RFC 6298, "Computing TCP's Retransmission Timer".
"""

from __future__ import annotations

LEAST_S = 0.8e-3
"""Less is not worth waiting: an answer that is only a little late would be asked for again."""
FIRST_DEVIATION_S = 1e-3
"""Until something is known. An FTDI chip with its latency timer at 1 ms needs about half of it."""
DEVIATIONS = 4.0
MEAN_GAIN, DEVIATION_GAIN = 1 / 8, 1 / 4


class AnswerDelay:
    """Learns from every answer, so that a missing one is not awaited much longer than this adapter takes."""

    def __init__(self) -> None:
        self._mean_s = 0.0
        self._deviation_s = FIRST_DEVIATION_S

    @property
    def margin_s(self) -> float:
        """How long to wait beyond the bytes' time."""
        return max(LEAST_S, self._mean_s + DEVIATIONS * self._deviation_s)

    def took(self, seconds: float) -> None:
        """An answer was complete so long after its bytes' time; before it, where bytes take no time at all."""
        error_s = max(0.0, seconds) - self._mean_s
        self._deviation_s += DEVIATION_GAIN * (abs(error_s) - self._deviation_s)
        self._mean_s += MEAN_GAIN * error_s

    def came_too_late(self) -> None:
        """An answer came when nobody waited for it any more: wait longer for the next ones."""
        self._deviation_s = max(FIRST_DEVIATION_S, self._deviation_s)

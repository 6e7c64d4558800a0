"""How long beyond the bytes' own time an adapter's answers have lately taken."""

from __future__ import annotations

LEAST_S = 0.8e-3
"""Less is not worth waiting: an answer that is only a little late would be asked for again."""
FIRST_S = 4e-3
"""Until something is known. An FTDI chip with its latency timer at 1 ms needs about half of it."""
GENEROUS = 2.0
KEPT = 0.98
"""An adapter that has become faster is believed after some hundred answers."""


class AnswerDelay:
    """Learns from every answer, so that a missing one is not awaited longer than this adapter ever takes.

    Attributes:
        margin_s: how long to wait beyond the bytes' time.
    """

    def __init__(self) -> None:
        self.margin_s = FIRST_S

    def took(self, seconds: float) -> None:
        """An answer was complete so long after its bytes' time."""
        self.margin_s = max(LEAST_S, GENEROUS * seconds, KEPT * self.margin_s)

    def came_too_late(self) -> None:
        """An answer came when nobody waited for it any more: wait longer next time."""
        self.margin_s = min(GENEROUS * self.margin_s, GENEROUS * FIRST_S)

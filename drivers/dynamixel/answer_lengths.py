"""Tells a late answer from the one that is awaited: after a question that was not answered, others ask for more bytes.

Nothing else does: Protocol 2.0 numbers no packets, and a late answer of the right servo and length would be believed.
"""

from __future__ import annotations

import math

LENGTHS = 12
"""The longest, eleven bytes more, ends the servos' state at register 147, the last that the X series has there."""
LATEST_S = 0.5
"""An answer that has not come for so long will not."""


class AnswerLengths:
    """Which lengths no late answer can have. Times are seconds of one clock that never runs back."""

    def __init__(self) -> None:
        self._unanswered_s = [-math.inf] * LENGTHS
        self._heard_s = -math.inf

    def more(self, now_s: float) -> int | None:
        """Bytes to ask for beyond those needed: the fewest that no late answer can have.

        None if one of every length may be on its way and nothing was heard meanwhile: more questions would only wait in
        line with the others. Where something was heard the oldest length will do, for a wire keeps its order.
        """
        for length, unanswered_s in enumerate(self._unanswered_s):
            if now_s - unanswered_s > LATEST_S:
                return length
        oldest = min(range(LENGTHS), key=lambda length: self._unanswered_s[length])
        return oldest if self._heard_s > self._unanswered_s[oldest] else None

    def heard(self, now_s: float) -> None:
        """Some servo has answered."""
        self._heard_s = now_s

    def unanswered(self, more: int, now_s: float) -> None:
        """A question with so many bytes more was not answered by every servo."""
        self._unanswered_s[more] = now_s

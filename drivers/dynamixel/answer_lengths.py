"""Tells a late answer from the one that is awaited: after a question that was not answered, others ask for more bytes.

Nothing else does: Protocol 2.0 numbers no packets, and a late answer of the right servo and length would be believed,
also one to another question: a watchdog with two bytes more is as long as a supply with none.
"""

from __future__ import annotations

from dataclasses import dataclass

from libra_edge.drivers.dynamixel.exchange import Exchange
from libra_edge.drivers.dynamixel.frame import Frame

LENGTHS = 12
"""The longest, eleven bytes more, ends the servos' state at register 147, the last that the X series has there."""
LATEST_S = 0.5
"""An answer that has not come for so long will not."""
OVERTAKEN_S = 0.01
"""So much later than what was sent after it may a packet still come."""


@dataclass(slots=True)
class _Awaited:
    """A question that was not answered by every servo, so that an answer to it may be on its way.

    Attributes:
        passed_s: since when something is known to have come that was sent after its answer.
    """

    exchange: Exchange
    asked_s: float
    passed_s: float | None = None


class AnswerLengths:
    """Which lengths no late answer can have. Times are seconds of one clock that never runs back."""

    def __init__(self) -> None:
        self._awaited: list[_Awaited] = []

    def size(self, needed: int, now_s: float) -> int | None:
        """Bytes to ask for, `needed` or a few more: the fewest that no late answer can have.

        If every length is awaited, the one that was asked longest ago of those whose answers must have passed, for a
        wire keeps its order. None if there is none: more questions would only wait in line with the others.
        """
        self._awaited = [one for one in self._awaited if now_s - one.asked_s <= LATEST_S]
        awaited = {one.exchange.size for one in self._awaited}
        lengths = range(needed, needed + LENGTHS)
        for length in lengths:
            if length not in awaited:
                return length
        open_still = {
            one.exchange.size for one in self._awaited if one.passed_s is None or now_s - one.passed_s < OVERTAKEN_S
        }
        sizes = (one.exchange.size for one in self._awaited)
        return next((size for size in sizes if size in lengths and size not in open_still), None)

    def answered(self, now_s: float) -> None:
        """Some servo has answered the question that was asked last: whatever was sent before has passed."""
        _pass(self._awaited, now_s)

    def came_late(self, frame: Frame, now_s: float) -> None:
        """Whatever was sent before a late answer has passed, and its own question if it was the last one to it."""
        waiting = [one for one in self._awaited if one.passed_s is None]
        for number, one in enumerate(waiting):
            if one.exchange.can_have_caused(frame):
                _pass(waiting[: number + one.exchange.ends_with(frame)], now_s)
                return

    def unanswered(self, exchange: Exchange, now_s: float) -> None:
        """Not every servo has answered this question."""
        others = (one for one in self._awaited if one.exchange.size != exchange.size)
        self._awaited = [*others, _Awaited(exchange, now_s)]


def _pass(awaited: list[_Awaited], now_s: float) -> None:
    for one in awaited:
        if one.passed_s is None:
            one.passed_s = now_s

"""What went wrong on a bus so far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class BusCounts:
    """Counts since the bus was made.

    Attributes:
        asked: questions sent, repetitions among them.
        repeated: questions sent again because an answer was lost or damaged.
        unanswered: questions whose time ended before every answer was there.
        corrupt: packets that did not check, or came in parts, the last after their question's time.
        late: packets that checked, and came after their question's time, or were never asked for.
    """

    asked: int = 0
    repeated: int = 0
    unanswered: int = 0
    corrupt: int = 0
    late: int = 0

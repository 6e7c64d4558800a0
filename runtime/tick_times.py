"""When the parts of one round of the servo loop were done: with the command, it tells where the tick's time went."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TickTimes:
    """Instants in ns of the one clock; the command's `time_ns` is the instant that the trajectory was sampled for.

    Attributes:
        began_ns: the round began.
        read_ns: nanoseconds (not an instant) that reading the joints took on the wire, 0 where none were read.
        sampled_ns: the goal was sampled.
        governed_ns: the governor had decided.
        written_ns: the goal was on the wire.
    """

    began_ns: int
    read_ns: int
    sampled_ns: int
    governed_ns: int = 0
    written_ns: int = 0

    def done(self, governed_ns: int, written_ns: int) -> TickTimes:
        """The same round, now that its goal was written."""
        return TickTimes(self.began_ns, self.read_ns, self.sampled_ns, governed_ns, written_ns)

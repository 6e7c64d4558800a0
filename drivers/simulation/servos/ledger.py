"""What came over the wire: the emulator's own account, kept apart from everything that sent it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

KEPT_GOALS = 1_000_000


@dataclass(frozen=True, slots=True)
class GoalRecord:
    """One goal position as it was received.

    Attributes:
        time_ns: when, on the emulator's clock.
        tick: the goal, 4096 a turn.
        accepted: False if the servo refused it (out of range, watchdog tripped).
        stood_at_tick: where the servo was at that moment.
        packet: the whole instruction packet, as it was on the wire.
    """

    time_ns: int
    servo_id: int
    tick: int
    accepted: bool
    stood_at_tick: int
    packet: bytes


@dataclass(slots=True)
class Ledger:
    """Counts of a session on the bus.

    Attributes:
        packets: instruction packets that checked.
        corrupt: packets that did not.
        watchdog_trips: servos stopped by their bus watchdog.
        limits_violated: goal positions beyond the limits given to the emulator.
        goals: the latest goal positions, oldest first.
    """

    packets: int = 0
    corrupt: int = 0
    watchdog_trips: int = 0
    limits_violated: int = 0
    goals: deque[GoalRecord] = field(default_factory=lambda: deque(maxlen=KEPT_GOALS))

    def as_json(self) -> dict[str, object]:
        """The counts, with the number of goal positions kept."""
        return {
            "packets": self.packets,
            "corrupt": self.corrupt,
            "watchdog_trips": self.watchdog_trips,
            "limits_violated": self.limits_violated,
            "goals": len(self.goals),
        }

"""When each tick is due: absolute instants a period apart, so that no delay is ever carried on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Deadlines:
    """Ticks due every `period_ns` from `due_ns` on."""

    due_ns: int
    period_ns: int
    missed: int = 0

    def advance(self, now_ns: int) -> None:
        """On to the next instant that has not passed yet; those passed over count as missed."""
        self.due_ns += self.period_ns
        if self.due_ns < now_ns:
            passed = -((self.due_ns - now_ns) // self.period_ns)
            self.missed += passed
            self.due_ns += passed * self.period_ns

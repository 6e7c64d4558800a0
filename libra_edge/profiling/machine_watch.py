"""What the machine draws and how warm it gets while something is measured, sampled in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from libra_edge.errors import ConfigError
from libra_edge.profiling.heat import over_current_events, risen, tells_heat, temperatures_c, too_hot
from libra_edge.profiling.power_rails import Rail, power_rails, watts_now

EVERY_S = 0.1


@dataclass(slots=True)
class MachineWatch:
    """Filled while it lasts.

    Attributes:
        watts: when (ns), and the power of every rail by name; empty on a machine without power monitors.
        hottest_c: by thermal zone; empty where there are none.
        throttled: clauses that say what held the machine back; empty if nothing did, None where nothing would tell.
    """

    watts: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    hottest_c: dict[str, float] = field(default_factory=dict)
    throttled: list[str] | None = None

    def rails_w(self, from_ns: int, until_ns: int) -> dict[str, float] | None:
        """Mean of each rail between two instants, W; None, never 0, where nothing was measured then."""
        taken = [rails for time_ns, rails in self.watts if from_ns <= time_ns <= until_ns]
        return {name: sum(rails[name] for rails in taken) / len(taken) for name in taken[0]} if taken else None

    def sample(self, root: Path, rails: list[Rail]) -> None:
        """Look once. Raises ConfigError."""
        if rails:
            self.watts.append((time.monotonic_ns(), watts_now(rails)))
        for name, celsius in temperatures_c(root).items():
            self.hottest_c[name] = max(celsius, self.hottest_c.get(name, celsius))
        for zone in too_hot(root):
            self._held_back(f"{zone} is too hot")

    def count(self, before: dict[str, int], after: dict[str, int]) -> None:
        """Over-current events at the beginning and at the end."""
        for event in risen(before, after):
            self._held_back(f"over-current event {event}")

    def _held_back(self, clause: str) -> None:
        if self.throttled is not None and clause not in self.throttled:
            self.throttled.append(clause)


@contextmanager
def watched_machine(root: Path = Path("/")) -> Iterator[MachineWatch]:
    """Sample every EVERY_S while the context lasts.

    Raises ConfigError where power cannot be read although there are monitors: at the beginning, or at the end.
    """
    rails, before = power_rails(root), over_current_events(root)
    watch = MachineWatch(throttled=[] if before or tells_heat(root) else None)
    stopping, failures = threading.Event(), list[ConfigError]()
    watch.sample(root, rails)

    def sampling() -> None:
        try:
            while not stopping.wait(EVERY_S):
                watch.sample(root, rails)
        except ConfigError as error:
            failures.append(error)

    thread = threading.Thread(target=sampling, name="machine", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stopping.set()
        thread.join()
        watch.count(before, over_current_events(root))
    if failures:
        raise failures[0]

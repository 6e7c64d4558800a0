"""Absolute deadlines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from libra_edge.drivers.simulation.deadlines import Deadlines

PERIOD_NS, PATIENCE_NS = 5, 20


def test_lateness_within_patience_is_caught_up() -> None:
    deadlines = Deadlines(start_ns=100, period_ns=PERIOD_NS, patience_ns=PATIENCE_NS)
    deadlines.advance(now_ns=118)
    assert (deadlines.index, deadlines.due_ns, deadlines.skipped) == (1, 105, 0)


def test_lateness_beyond_patience_is_dropped_and_counted() -> None:
    deadlines = Deadlines(start_ns=100, period_ns=PERIOD_NS, patience_ns=PATIENCE_NS)
    deadlines.advance(now_ns=131)
    assert (deadlines.index, deadlines.due_ns, deadlines.skipped) == (6, 130, 5)


@given(st.lists(st.integers(0, 200), max_size=50), st.integers(0, 40))
def test_no_drift_and_every_deadline_is_accounted_for(busy: list[int], patience: int) -> None:
    deadlines = Deadlines(start_ns=1000, period_ns=PERIOD_NS, patience_ns=patience)
    now = 1000
    for made, duration in enumerate(busy, start=1):
        now = max(now, deadlines.due_ns) + duration
        deadlines.advance(now)
        assert deadlines.due_ns == 1000 + PERIOD_NS * deadlines.index
        assert deadlines.index == made + deadlines.skipped
        assert now - deadlines.due_ns <= max(patience, PERIOD_NS)

"""Nested phases become one bar that only grows, and nothing is raised into C++."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from libra_edge.export.build_phases import PIECES, BuildPhases


class Bar:
    """Counts the pieces; breaks at one of them, if told to."""

    def __init__(self, breaks_at: int = 0) -> None:
        self.pieces = 0
        self._breaks_at = breaks_at

    def begin(self, stage: str, pieces: int) -> None:
        raise NotImplementedError

    def advance(self, pieces: int = 1) -> None:
        self.pieces += pieces
        if self.pieces == self._breaks_at:
            raise BrokenPipeError("the terminal is gone")


def test_a_phase_inside_another_counts_as_part_of_its_step() -> None:
    bar = Bar()
    phases = BuildPhases(bar)
    phases.start("whole", None, 4)
    phases.step("whole", 0)
    assert bar.pieces == 25
    phases.start("part", "whole", 5)
    phases.step("part", 1)
    assert bar.pieces == 25 + 10
    phases.finish("part")
    phases.step("whole", 1)
    assert bar.pieces == 50


def test_a_completed_build_fills_the_bar() -> None:
    bar = Bar()
    phases = BuildPhases(bar)
    phases.complete()
    assert bar.pieces == PIECES


EVENTS = st.tuples(
    st.sampled_from(["start", "step", "finish"]),
    st.sampled_from("abc"),
    st.sampled_from([None, "a", "b"]),
    st.integers(0, 9),
)


@given(st.lists(EVENTS, max_size=60))
def test_whatever_is_announced_the_bar_grows_and_never_overflows(
    events: list[tuple[str, str, str | None, int]],
) -> None:
    bar = Bar()
    phases = BuildPhases(bar)
    for kind, name, parent, number in events:
        if kind == "start":
            phases.start(name, parent if parent is not None and parent < name else None, number)
        elif kind == "step":
            assert phases.step(name, number)
        else:
            phases.finish(name)
        assert phases.failure is None
        assert bar.pieces <= PIECES
    phases.complete()
    assert bar.pieces == PIECES


def test_a_cancelled_build_is_told_to_stop_at_its_next_step() -> None:
    phases = BuildPhases(Bar())
    phases.start("whole", None, 2)
    assert phases.step("whole", 0)
    phases.cancel()
    assert not phases.step("whole", 1)


def test_a_bar_that_breaks_stops_the_build_and_is_kept() -> None:
    phases = BuildPhases(Bar(breaks_at=3))
    phases.start("whole", None, 2)
    assert not phases.step("whole", 0)
    assert isinstance(phases.failure, BrokenPipeError)

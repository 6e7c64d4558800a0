"""Bisection finds what counting up finds, and asks seldom."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from libra_edge.export.fewest import fewest


@given(most=st.integers(0, 300), needed=st.integers(0, 310))
def test_the_smallest_number_that_suffices(most: int, needed: int) -> None:
    asked: list[int] = []

    def suffices(number: int) -> bool:
        asked.append(number)
        return number >= needed

    assert fewest(most, suffices) == (needed if needed <= most else None)
    assert len(asked) <= math.log2(max(1, most)) + 3
    assert len(set(asked)) == len(asked)
    assert all(0 <= number <= most for number in asked)


@given(verdicts=st.lists(st.booleans(), min_size=1, max_size=40))
def test_what_it_names_was_tried_and_did_suffice(verdicts: list[bool]) -> None:
    """Even if a larger number does not always suffice where a smaller one does."""
    found = fewest(len(verdicts) - 1, lambda number: verdicts[number])
    assert found is None or verdicts[found]

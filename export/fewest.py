"""How few of a sorted list suffice: bisection over a measurement that takes its time."""

from __future__ import annotations

from collections.abc import Callable


def fewest(most: int, suffices: Callable[[int], bool]) -> int | None:
    """The smallest number from 0 to `most` that suffices, taken that a larger one does if a smaller one does.

    None if not even `most` suffices. Asks about log2(most) + 2 times.
    """
    if suffices(0):
        return 0
    if not most or not suffices(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high

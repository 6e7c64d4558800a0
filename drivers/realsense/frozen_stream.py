"""Tells a new picture from an old one that is delivered again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class FrozenStream:
    """Watches frame numbers and, if told to, pixels.

    A real sensor's noise makes two equal pictures in a row impossible, so that a run of them means a camera that hangs
    while its driver goes on counting. A noiseless (simulated) stream has to leave `identical_limit` at None.
    """

    def __init__(self, identical_limit: int | None = None) -> None:
        self._identical_limit = identical_limit
        self._number: int | None = None
        self._image: NDArray[Any] | None = None
        self._identical = 0

    def repeats(self, number: int) -> bool:
        """Whether this frame number was the last one too."""
        repeated = number == self._number
        self._number = number
        return repeated

    def equals_last(self, image: NDArray[Any]) -> bool:
        """Whether this picture equals the one before it to the last bit; never, if nobody set a limit."""
        if self._identical_limit is None:
            return False
        same = self._image is not None and np.array_equal(image, self._image)
        self._identical = self._identical + 1 if same else 0
        self._image = image
        return same

    @property
    def hangs(self) -> bool:
        """Whether `identical_limit` pictures in a row have equalled the one before them."""
        return self._identical_limit is not None and self._identical >= self._identical_limit

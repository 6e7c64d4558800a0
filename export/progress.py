"""What an export tells about its progress, to whoever shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One stage after the other, each with a known number of pieces: samples, or the bytes of weights."""

    def begin(self, stage: str, pieces: int) -> None:
        """A new stage starts; the one before it is done."""
        ...

    def advance(self, pieces: int = 1) -> None:
        """Pieces of the present stage are done."""
        ...


class SilentProgress:
    """Tells nobody."""

    def begin(self, stage: str, pieces: int) -> None:
        """See `Progress.begin`."""

    def advance(self, pieces: int = 1) -> None:
        """See `Progress.advance`."""

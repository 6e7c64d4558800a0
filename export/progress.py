"""What an export tells about its progress, to whoever shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One stage after the other, each with a known number of pieces."""

    def begin(self, stage: str, pieces: int) -> None:
        """A new stage starts; the one before it is done."""
        ...

    def advance(self) -> None:
        """One piece of the present stage is done."""
        ...


class SilentProgress:
    """Tells nobody."""

    def begin(self, stage: str, pieces: int) -> None:
        """See `Progress.begin`."""

    def advance(self) -> None:
        """See `Progress.advance`."""

"""What one run of a job took, apart: the CPU's share before and after, and the GPU's between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class JobPhases:
    """Instants in ns of the one clock.

    Attributes:
        began_ns: inputs were handed over.
        updated_ns: they lie where the GPU reads them.
        launched_ns: the graph was launched.
        done_ns: the GPU had finished and this thread knew of it.
        ended_ns: the outputs were copied.
    """

    began_ns: int
    updated_ns: int
    launched_ns: int
    done_ns: int
    ended_ns: int


@runtime_checkable
class Phased(Protocol):
    """Something that knows what its last run took."""

    @property
    def phases(self) -> JobPhases | None:
        """Of the last run; None before the first."""
        ...

"""TensorRT's nested build phases as one bar of a hundred pieces.

TensorRT announces a phase with its number of steps and its parent; a step of the parent may be a whole phase below it.
How many phases will come is known to nobody, so a phase in progress counts as a part of its parent's present step.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from libra_edge.export.progress import Progress

PIECES = 100


@dataclass(slots=True)
class _Phase:
    parent: str | None
    steps: int
    done: int = 0


class BuildPhases:
    """Hears of phases, from whichever thread TensorRT uses, and moves a `Progress` on, never back.

    `start`, `step` and `finish` raise nothing, for their caller is C++: what went wrong is kept in `failure`, and the
    build is told to stop.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._phases: dict[str, _Phase] = {}
        self._shown = 0
        self._cancelled = False
        self._lock = threading.Lock()
        self.failure: Exception | None = None

    def cancel(self) -> None:
        """Stop the build at its next step."""
        self._cancelled = True

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase of so many steps begins, inside the present step of `parent`."""
        with self._lock:
            self._phases[name] = _Phase(parent, max(steps, 1))

    def step(self, name: str, index: int) -> bool:
        """Step `index`, counted from 0, of a phase is done. False tells TensorRT to give up."""
        with self._lock:
            if name in self._phases:
                self._phases[name].done = index + 1
            self._show(self._fraction())
        return not self._cancelled

    def finish(self, name: str) -> None:
        """A phase is over, whether or not all its steps were done."""
        with self._lock:
            self._phases.pop(name, None)

    def complete(self) -> None:
        """The build is done: fill the bar."""
        while self._shown < PIECES:
            self._advance()

    def _fraction(self) -> float:
        roots = [self._fraction_of(name) for name, phase in self._phases.items() if phase.parent not in self._phases]
        return max(roots, default=0.0)

    def _fraction_of(self, name: str) -> float:
        phase = self._phases[name]
        below = [self._fraction_of(child) for child, other in self._phases.items() if other.parent == name]
        return min(1.0, (phase.done + max(below, default=0.0)) / phase.steps)

    def _show(self, fraction: float) -> None:
        try:
            while self._shown < int(fraction * PIECES):
                self._advance()
        except Exception as error:  # noqa: BLE001 - C++ must not see it; the builder raises it when the build is over
            self.failure = error
            self._cancelled = True

    def _advance(self) -> None:
        self._shown += 1
        self._progress.advance()

"""When a run ends: the time is up, the task has been done, or somebody said stop."""

from __future__ import annotations

from libra_edge.protocols import Clock, Referee

AFTER_SUCCESS_S = 1.0
"""So that picture and recording show the end."""


class RunEnd:
    """Asked again and again while a run is under way; the first question starts the time.

    Attributes:
        success_ns: when the referee was first found to say that the task is done; None until then.
    """

    def __init__(
        self, clock: Clock, duration_s: float, referee: Referee | None, after_success_s: float = AFTER_SUCCESS_S
    ) -> None:
        """Without a referee nobody knows about success, and only time or a stop ends the run."""
        self.success_ns: int | None = None
        self._clock = clock
        self._duration_s = duration_s
        self._after_success_s = after_success_s
        self._referee = referee
        self._start_ns: int | None = None
        self._stop_reason: str | None = None

    def stop(self, reason: str) -> None:
        """End the run at the next question."""
        self._stop_reason = reason

    @property
    def success(self) -> bool | None:
        """Whether the task was done; None where nobody knows."""
        return None if self._referee is None else self.success_ns is not None

    def __call__(self) -> str | None:
        """Why the run ends now, or None. Raises what the referee raises."""
        now_ns = self._clock.now_ns()
        self._start_ns = now_ns if self._start_ns is None else self._start_ns
        if self.success_ns is None and self._referee is not None and self._referee.success():
            self.success_ns = now_ns
        if self._stop_reason is not None:
            return self._stop_reason
        if self.success_ns is not None and now_ns - self.success_ns >= self._after_success_s * 1e9:
            return "task done"
        if now_ns - self._start_ns >= self._duration_s * 1e9:
            return "time is up"
        return None

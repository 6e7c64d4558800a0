"""Absolute control steps: the one ruler that plans, chunks and logs are indexed by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ControlSteps:
    """Step k lasts from `start_ns + k * step_ns` until the next one starts."""

    start_ns: int
    step_ns: int

    def start_of(self, step: int) -> int:
        """When step `step` begins, nanoseconds of the one clock."""
        return self.start_ns + step * self.step_ns

    def step_at(self, time_ns: int) -> int:
        """The step that runs at `time_ns`; negative before the first."""
        return (time_ns - self.start_ns) // self.step_ns

    def first_from(self, time_ns: int) -> int:
        """The first step that begins at or after `time_ns`."""
        return -((self.start_ns - time_ns) // self.step_ns)

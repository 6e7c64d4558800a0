"""Judges what reached the servos and how they moved, by limits that the runtime never reads.

It knows goals from the emulator's ledger and motion from the plant, both in ticks and by their own time stamps.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Annotated

from pydantic import Field

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.simulation.servos.ledger import GoalRecord
from libra_edge.drivers.simulation.servos.plant import ServoPlant
from libra_edge.model_spec import Section
from libra_edge.toml_file import read_toml

LIMITS = Path(__file__).parent / "limits.toml"
SAMPLE_S = 0.005
WINDOW_NS = 40_000_000
"""Velocities are taken over at least this long: a tick is a coarse unit."""
Positive = Annotated[float, Field(gt=0)]


class ServoLimits(Section):
    """Of one servo, ticks and ticks a second."""

    low: int
    high: int
    goal_ticks_s: Positive
    motion_ticks_s: Positive


class JudgeLimits(Section):
    """The whole file."""

    jitter_ms: Positive
    standing_ticks: Positive
    servo: dict[str, ServoLimits]


Trace = list[tuple[int, int]]
"""(time ns, tick), in the order of time."""


@dataclass
class Judge:
    """Watches a plant while the context lasts; `verdicts` then says what broke a limit, one sentence each."""

    plant: ServoPlant
    limits: JudgeLimits = field(default_factory=lambda: read_toml(LIMITS, JudgeLimits))
    motion: dict[int, Trace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._clock = MonotonicClock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Judge:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def verdicts(self, goals: Iterable[GoalRecord]) -> list[str]:
        """What broke a limit, goals and motion; empty if nothing did."""
        found = []
        for name, limits in self.limits.servo.items():
            servo_id, trace = int(name), self.motion.get(int(name), [])
            told = [(goal.time_ns, goal.tick) for goal in goals if goal.servo_id == servo_id]
            found += [f"servo {name} was told {tick}" for _, tick in told if not limits.low <= tick <= limits.high]
            found += [f"servo {name} stood at {tick}" for _, tick in trace if not limits.low <= tick <= limits.high]
            found += [f"servo {name} was told to go {step} ticks at once" for step in self._leaps(told, limits, trace)]
            found += [f"servo {name} moved at {speed:.0f} ticks/s" for speed in _too_fast(trace, limits)]
        return found

    def _leaps(self, told: Trace, limits: ServoLimits, trace: Trace) -> list[int]:
        leaps = []
        for (before_ns, before), (time_ns, tick) in pairwise(told):
            allowed = limits.goal_ticks_s * ((time_ns - before_ns) / 1e9 + self.limits.jitter_ms / 1e3) + 2
            stays = trace and abs(tick - _tick_at(trace, time_ns)) <= self.limits.standing_ticks
            if abs(tick - before) > allowed and not stays:
                leaps.append(tick - before)
        return leaps

    def _watch(self) -> None:
        ids = [int(name) for name in self.limits.servo]
        while not self._ended.wait(SAMPLE_S):
            for servo_id in ids:
                sample = (self._clock.now_ns(), self.plant.measure(servo_id).position_tick)
                self.motion.setdefault(servo_id, []).append(sample)


def _too_fast(trace: Trace, limits: ServoLimits) -> list[float]:
    speeds, start = [], 0
    for time_ns, tick in trace:
        if time_ns - trace[start][0] >= WINDOW_NS:
            speed = abs(tick - trace[start][1]) / ((time_ns - trace[start][0]) / 1e9)
            if speed > limits.motion_ticks_s:
                speeds.append(speed)
            start += 1
    return speeds


def _tick_at(trace: Trace, time_ns: int) -> int:
    index = min(bisect_left(trace, (time_ns, 0)), len(trace) - 1)
    return trace[index][1]

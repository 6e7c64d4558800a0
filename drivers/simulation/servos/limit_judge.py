"""Judges what reached the servos and how they moved, by limits that whoever drives them never reads.

Goal positions it knows from the emulator's ledger, motion from the plant, both in ticks and by their own time stamps.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.simulation.servos.ledger import GoalRecord
from libra_edge.drivers.simulation.servos.limits_file import LimitsFile, ServoLimits
from libra_edge.drivers.simulation.servos.plant import ServoPlant

SAMPLE_S = 0.005
WINDOW_NS = 40_000_000
"""Velocities are taken over at least this long: a tick is a coarse unit."""
SURE_NS = 2_000_000
"""A sample that took longer than this to take does not tell when it was true."""
SPARE_TICKS = 2
"""Both ends of a step are rounded."""


@dataclass
class LimitJudge:
    """Watches a plant while the context lasts; `verdicts` then says what broke a limit.

    Attributes:
        plant: its `measure` is called from a thread of the judge's own.
        moved: what broke a limit of motion, one sentence for each time it began.
    """

    limits: LimitsFile
    plant: ServoPlant
    moved: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._clock = MonotonicClock()
        self._traces: dict[int, deque[tuple[int, int]]] = {servo_id: deque() for servo_id in self.limits.servo_ids}
        self._broken: set[tuple[int, str]] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="limit judge", daemon=True)

    def __enter__(self) -> LimitJudge:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def verdicts(self, goals: Iterable[GoalRecord]) -> list[str]:
        """What broke a limit, in goal positions and in motion, one sentence each; empty if nothing did."""
        return [*goals_beyond(self.limits, goals), *self.moved]

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            self._look()

    def _look(self) -> None:
        for servo_id, trace in self._traces.items():
            before_ns = self._clock.now_ns()
            tick = self.plant.measure(servo_id).position_tick
            if self._clock.now_ns() - before_ns <= SURE_NS:
                trace.append((before_ns, tick))
                self._judge(servo_id, trace, self.limits.servo[str(servo_id)])

    def _judge(self, servo_id: int, trace: deque[tuple[int, int]], limits: ServoLimits) -> None:
        (first_ns, first), (time_ns, tick) = trace[0], trace[-1]
        outside = not limits.low <= tick <= limits.high
        self._note(servo_id, "range", outside, f"servo {servo_id} stood at {tick}")
        if time_ns - first_ns >= WINDOW_NS:
            speed = abs(tick - first) / ((time_ns - first_ns) / 1e9)
            too_fast = speed > limits.motion_ticks_s
            self._note(servo_id, "speed", too_fast, f"servo {servo_id} moved at {speed:.0f} ticks/s")
            trace.popleft()

    def _note(self, servo_id: int, limit: str, broken: bool, sentence: str) -> None:
        if broken and (servo_id, limit) not in self._broken:
            self.moved.append(sentence)
        (self._broken.add if broken else self._broken.discard)((servo_id, limit))


def goals_beyond(limits: LimitsFile, goals: Iterable[GoalRecord]) -> Iterator[str]:
    """A sentence for each goal position, oldest first, out of its servo's range or further on than its speed allows."""
    before: dict[int, GoalRecord] = {}
    for goal in goals:
        own = limits.servo.get(str(goal.servo_id))
        if own is None:
            continue
        if not own.low <= goal.tick <= own.high:
            yield f"servo {goal.servo_id} was told {goal.tick}"
        last = before.get(goal.servo_id)
        if last is not None and _leaps(limits, own, last, goal):
            yield f"servo {goal.servo_id} was told to go {goal.tick - last.tick} ticks at once"
        before[goal.servo_id] = goal


def _leaps(limits: LimitsFile, own: ServoLimits, last: GoalRecord, goal: GoalRecord) -> bool:
    since_s = (goal.time_ns - last.time_ns) / 1e9 + limits.jitter_ms / 1e3
    stays = abs(goal.tick - goal.stood_at_tick) <= limits.standing_ticks
    return abs(goal.tick - last.tick) > own.goal_ticks_s * since_s + SPARE_TICKS and not stays

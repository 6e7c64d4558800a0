"""Where the servo loop's goals come from at the moment: standing still, a glide, or the policy's chunks."""

from __future__ import annotations

import numpy as np

from libra_edge.messages import ActionChunk, Float64
from libra_edge.runtime.servo_glide import Glide
from libra_edge.runtime.trajectory import Trajectory, TrajectoryPoint

SHORTEST_STEP_NS, LONGEST_STEP_NS = 1_000_000, 1_000_000_000
FARTHEST_AHEAD_NS = 5_000_000_000
"""How far ahead of now a chunk may reach: beyond that, a dead policy's will would be done for too long."""


class GoalSource:
    """What is asked for at each tick, before the governor. Begins with standing still."""

    def __init__(self, joints: int) -> None:
        self._trajectory = Trajectory(joints)
        self._motion: Glide | Trajectory | None = None

    def stand(self) -> None:
        """Ask for no motion from now on."""
        self._motion = None

    def glide(self, start: Float64, end: Float64, now_ns: int) -> None:
        """Move slowly from `start` to `end`, float64 [D] rad."""
        self._motion = Glide(start, end, now_ns)

    def follow(self, goal: Float64, now_ns: int) -> None:
        """Drop all chunks, stand at `goal`, float64 [D] rad, and follow those that come from now on."""
        self._trajectory.start(goal, now_ns)
        self._motion = self._trajectory

    def accept(self, chunk: ActionChunk, now_ns: int) -> bool:
        """Follow this chunk too; False if there is no room for it."""
        return self._trajectory.accept(chunk, now_ns)

    def ask(self, present_goal: Float64, now_ns: int) -> TrajectoryPoint:
        """What is asked for now. Standing still asks for `present_goal`, at which the governor slows down to zero."""
        if self._motion is None:
            return TrajectoryPoint(present_goal, None, None, None, exhausted=True)
        return self._motion.sample(now_ns)


def why_not(chunk: ActionChunk, now_ns: int) -> str | None:
    """Why a chunk from outside cannot be followed, in one clause; None if it can."""
    if not np.all(np.isfinite(chunk.positions)):
        return "goals that are not finite"
    if not SHORTEST_STEP_NS <= chunk.step_ns <= LONGEST_STEP_NS:
        return f"a control step of {chunk.step_ns} ns"
    if chunk.end_ns <= now_ns:
        return f"its end passed {(now_ns - chunk.end_ns) / 1e6:.0f} ms ago"
    if chunk.end_ns - now_ns > FARTHEST_AHEAD_NS:
        return f"it reaches {(chunk.end_ns - now_ns) / 1e9:.1f} s ahead"
    return None

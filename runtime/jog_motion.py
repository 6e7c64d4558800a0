"""What a held key asks of one joint: a straight line at a constant speed that ends by itself.

Each press, and each repeat of a held key, asks for a fifth of a second of motion. Where repeats stop coming (the key
was let go, the terminal hangs, the process died) the line has run out already, and nothing needs to be sent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from libra_edge.messages import ActionChunk, Float64
from libra_edge.robot import Robot

STEP_NS = 50_000_000
REACH_STEPS = 4
"""200 ms: a keyboard repeats a held key every 30 to 100 ms, and a terminal over a network delays some of them."""


@dataclass(frozen=True, slots=True, eq=False)
class JogMotion:
    """From `start`, float64 [D] rad, at `velocity`, float64 [D] rad/s, in REACH_STEPS steps; within `low` and `high`,
    float64 [D] rad each.
    """

    start: Float64
    velocity: Float64
    low: Float64
    high: Float64
    start_ns: int

    @property
    def end_ns(self) -> int:
        """When it has run out."""
        return self.start_ns + REACH_STEPS * STEP_NS

    def goal_at(self, time_ns: int) -> Float64:
        """float64 [D] rad; outside its time it stands."""
        passed_s = (min(max(time_ns, self.start_ns), self.end_ns) - self.start_ns) / 1e9
        return np.clip(self.start + self.velocity * passed_s, self.low, self.high)

    def chunk(self, chunk_id: int) -> ActionChunk:
        """The line as an action chunk, with a last row at rest; no picture and no plan stand behind it."""
        rows = np.stack([self.goal_at(self.start_ns + (i + 1) * STEP_NS) for i in range(REACH_STEPS + 1)])
        return ActionChunk(chunk_id, rows, 0, self.start_ns, STEP_NS, 0, 0, self.start_ns)


class Jog:
    """Turns presses of keys into motions, each from where the last one has got to."""

    def __init__(self, robot: Robot, speed_rad_s: float) -> None:
        """No joint moves faster than `speed_rad_s`, nor than the robot file lets it."""
        self._low, self._high = robot.low, robot.high
        self._speed = np.minimum(robot.max_velocity, speed_rad_s)
        self._motion: JogMotion | None = None
        self._chunks = 0

    def forget(self) -> None:
        """The arm did not follow to the end: begin anew from where it stands."""
        self._motion = None

    def press(self, joint: int, direction: int, standing: Float64, now_ns: int) -> ActionChunk:
        """Move `joint` by `direction` (+1 or -1) from now on, all others stand.

        `standing`, float64 [D] rad, is the goal the arm was given last: where the line begins unless one is under way.
        A joint outside its range may be moved towards it, and not further out.
        """
        motion = self._motion
        start = standing if motion is None or now_ns >= motion.end_ns else motion.goal_at(now_ns)
        velocity = np.zeros_like(start)
        velocity[joint] = direction * self._speed[joint]
        low, high = np.minimum(self._low, start), np.maximum(self._high, start)
        self._motion = JogMotion(start, velocity, low, high, now_ns)
        self._chunks += 1
        return self._motion.chunk(self._chunks)

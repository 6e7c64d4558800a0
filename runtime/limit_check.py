"""Counts commands that broke the robot's limits: a second opinion on the governor, from the log alone."""

from __future__ import annotations

import numpy as np

from libra_edge.messages import Float64
from libra_edge.robot import Robot
from libra_edge.runtime.command import Command
from libra_edge.runtime.supervisor import State

TOLERANCE_RAD = 1e-6
TIME_SLACK = 1.5
"""Goals are planned a tick apart, but a command's time is that of its writing, which jitters by part of a tick."""


class LimitCheck:
    """Holds each command against position range and velocity of the robot file.

    Attributes:
        violated: commands outside a limit.
    """

    def __init__(self, robot: Robot) -> None:
        self.violated = 0
        self._low, self._high = robot.low, robot.high
        self._max_velocity = robot.max_velocity
        self._tick_s = 1.0 / robot.servo.rate_hz
        self._last: Command | None = None

    def check(self, command: Command) -> None:
        """Judge one command; hand them over in the order of their numbers."""
        last = self._last
        self._last = command
        known = last if last is not None and _continues(last, command) else None
        held = np.all(np.isfinite(command.goal)) and self._in_range(command.goal, known) and self._slow(command, known)
        self.violated += not held

    def _in_range(self, goal: Float64, last: Command | None) -> bool:
        """An arm that was found outside its range may be led back, so being outside counts only if it grows."""
        allowed = np.inf if last is None else self._excess(last.goal)
        return bool(np.all(self._excess(goal) <= allowed + TOLERANCE_RAD))

    def _excess(self, goal: Float64) -> Float64:
        return np.maximum(np.maximum(self._low - goal, goal - self._high), 0.0)

    def _slow(self, command: Command, last: Command | None) -> bool:
        if last is None:
            return True
        elapsed_s = max(self._tick_s, TIME_SLACK * (command.time_ns - last.time_ns) / 1e9)
        return bool(np.all(np.abs(command.goal - last.goal) <= self._max_velocity * elapsed_s + TOLERANCE_RAD))


def _continues(last: Command, command: Command) -> bool:
    """Not after a gap in the log, and not once a lost arm is back: its goals begin anew where it was found."""
    found_again = last.state is State.RECOVERING and command.state is not State.RECOVERING
    return last.number + 1 == command.number and not found_again

"""Where a servo's profile leads its set point: the trapezoid of the e-Manual ("What is the Profile"), step by step."""

from __future__ import annotations

import math


def advance_set_point(
    position: float, velocity: float, goal: float, *, top_speed: float, acceleration: float, dt_s: float
) -> tuple[float, float]:
    """Position and velocity after `dt_s`, in any unit of length.

    Speeds up and brakes at `acceleration` (inf: at once), never faster than `top_speed`, and ends at `goal` at rest.
    It may pass the goal by less than `acceleration * dt_s ** 2`, as it brakes in whole steps.
    """
    distance = goal - position
    if math.isinf(acceleration):
        step = max(-top_speed * dt_s, min(top_speed * dt_s, distance))
        return position + step, step / dt_s
    gain = acceleration * dt_s
    if abs(distance) <= min(gain, top_speed) * dt_s and abs(velocity) <= gain:
        return goal, 0.0
    braking = math.sqrt((gain / 2.0) ** 2 + 2.0 * acceleration * abs(distance)) - gain / 2.0
    wanted = math.copysign(min(top_speed, braking, abs(distance) / dt_s), distance)
    velocity += max(-gain, min(gain, wanted - velocity))
    return position + velocity * dt_s, velocity


def timed_profile(distance: float, total_s: float, acceleration_s: float) -> tuple[float, float]:
    """Top speed and acceleration with which a way of `distance` takes `total_s`; inf where the time is 0.

    e-Manual, "What is the Profile", time-based: the time of acceleration is at most half of the whole.
    """
    if total_s <= 0.0:
        return math.inf, math.inf
    acceleration_s = min(acceleration_s, total_s / 2.0)
    speed = abs(distance) / (total_s - acceleration_s)
    return speed, speed / acceleration_s if acceleration_s > 0.0 else math.inf

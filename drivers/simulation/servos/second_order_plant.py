"""Servos with some mass: each follows its profile's set point like a spring with a damper, critically damped."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from libra_edge.drivers.simulation.servos.plant import (
    ACCELERATION_TICKS_S2,
    TICKS_A_SECOND,
    ServoMeasurement,
)
from libra_edge.drivers.simulation.servos.set_point import advance_set_point
from libra_edge.protocols import Clock

STEP_S = 0.001
NATURAL_RAD_S = 50.0
"""Natural frequency: a step of the goal is 99 % done after 0.13 s."""
STRONGEST_TICKS_S2 = 200_000.0
"""Acceleration at stall torque."""
FRICTION_S = 0.05
"""Time constant in which a servo without torque comes to rest."""
FULL_LOAD = 1000
"""Register 126 at stall torque."""
RESTING_TICKS = 0.01


@dataclass(slots=True)
class _Joint:
    position: float
    goal: float
    set_point: float
    velocity: float = 0.0
    set_velocity: float = 0.0
    top_speed: float = 0.0
    acceleration: float = math.inf
    force: float = 0.0
    torque: bool = False

    def at_rest(self) -> bool:
        gone = self.goal - self.position if self.torque else 0.0
        return abs(gone) < RESTING_TICKS and abs(self.velocity) < 1.0 and self.set_velocity == 0.0

    def settle(self) -> None:
        """The last hundredth of a tick."""
        self.velocity = self.force = 0.0
        self.position = self.set_point = self.goal if self.torque else self.position

    def step(self, dt_s: float) -> None:
        if not self.torque:
            self.velocity *= math.exp(-dt_s / FRICTION_S)
            self.position += self.velocity * dt_s
            return
        self.set_point, self.set_velocity = advance_set_point(
            self.set_point,
            self.set_velocity,
            self.goal,
            top_speed=self.top_speed,
            acceleration=self.acceleration,
            dt_s=dt_s,
        )
        pull = NATURAL_RAD_S**2 * (self.set_point - self.position)
        damping = 2.0 * NATURAL_RAD_S * (self.set_velocity - self.velocity)
        self.force = max(-STRONGEST_TICKS_S2, min(STRONGEST_TICKS_S2, pull + damping))
        self.velocity += self.force * dt_s
        self.position += self.velocity * dt_s


class SecondOrderPlant:
    """Implements `ServoPlant` on a clock, without gravity, contact or ends of travel. Safe from any thread.

    Motion is worked out when somebody looks, in steps of a millisecond.
    """

    def __init__(self, clock: Clock, start_ticks: Mapping[int, int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._now_ns = clock.now_ns()
        self._joints = {key: _Joint(float(tick), float(tick), float(tick)) for key, tick in start_ticks.items()}

    def set_torque(self, servo_id: int, on: bool) -> None:
        """See ServoPlant."""
        with self._lock:
            joint = self._caught_up()[servo_id]
            joint.torque = on
            joint.goal = joint.set_point = joint.position
            joint.set_velocity = joint.force = 0.0

    def set_goal(self, servo_id: int, tick: int, profile_velocity: float, profile_acceleration: float = 0.0) -> None:
        """See ServoPlant."""
        with self._lock:
            joint = self._caught_up()[servo_id]
            if joint.torque:
                joint.goal, joint.top_speed = float(tick), profile_velocity * TICKS_A_SECOND
                joint.acceleration = profile_acceleration * ACCELERATION_TICKS_S2 or math.inf

    def stop(self, servo_id: int) -> None:
        """See ServoPlant."""
        with self._lock:
            joint = self._caught_up()[servo_id]
            joint.goal = joint.set_point = joint.position = float(round(joint.position))
            joint.velocity = joint.set_velocity = 0.0

    def measure(self, servo_id: int) -> ServoMeasurement:
        """See ServoPlant."""
        with self._lock:
            joint = self._caught_up()[servo_id]
            load = round(joint.force / STRONGEST_TICKS_S2 * FULL_LOAD)
            return ServoMeasurement(round(joint.position), round(joint.velocity / TICKS_A_SECOND), load)

    def turn_by_hand(self, servo_id: int, tick: int) -> None:
        """A hand leads it there at once. It cannot while there is torque."""
        with self._lock:
            joint = self._caught_up()[servo_id]
            if not joint.torque:
                joint.position, joint.velocity = float(tick), 0.0

    def _caught_up(self) -> Mapping[int, _Joint]:
        now_ns = self._clock.now_ns()
        steps = int((now_ns - self._now_ns) / (STEP_S * 1e9))
        self._now_ns += round(steps * STEP_S * 1e9)
        for joint in self._joints.values():
            for _ in range(steps):
                if joint.at_rest():
                    joint.settle()
                    break
                joint.step(STEP_S)
        return self._joints

"""What the emulated servos turn: a plant. One simple plant is here, the simulated world is another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from libra_edge.drivers.dynamixel.servo_model import VELOCITY_UNIT_RPM
from libra_edge.protocols import Clock
from libra_edge.robot import TICKS_PER_TURN

TICKS_A_SECOND = VELOCITY_UNIT_RPM / 60.0 * TICKS_PER_TURN
"""Speed of one unit of the servos' velocity registers."""
ACCELERATION_TICKS_S2 = 214.577 / 3600.0 * TICKS_PER_TURN
"""One unit of register 108 (profile acceleration), which is 214.577 rpm a minute."""


@dataclass(frozen=True, slots=True)
class ServoMeasurement:
    """A servo's sensors.

    Attributes:
        position_tick: 4096 a turn, counted over turns.
        velocity_raw: 0.229 rpm, positive while ticks grow.
        current_raw: 1 mA (XL330) or load in 0.1 % (XL430), positive towards growing ticks.
    """

    position_tick: int
    velocity_raw: int
    current_raw: int


class ServoPlant(Protocol):
    """The mechanics behind the servos. The emulator never makes two calls at a time, mostly from its own thread."""

    def set_torque(self, servo_id: int, on: bool) -> None:
        """Hold the present position from now on, or let go."""
        ...

    def set_goal(self, servo_id: int, tick: int, profile_velocity: float, profile_acceleration: float = 0.0) -> None:
        """Go there. `profile_velocity` (0.229 rpm) is never 0: for "none" the emulator gives the velocity limit.

        `profile_acceleration` (214.577 rpm a minute) is 0 for "at once".
        """
        ...

    def stop(self, servo_id: int) -> None:
        """Stay where it is, under torque: the bus watchdog has tripped."""
        ...

    def measure(self, servo_id: int) -> ServoMeasurement:
        """Where it is now."""
        ...


@dataclass(frozen=True, slots=True)
class _Motion:
    start_tick: float
    goal_tick: float
    ticks_a_second: float
    since_ns: int

    def at(self, now_ns: int) -> float:
        travelled = self.ticks_a_second * max(0, now_ns - self.since_ns) / 1e9
        distance = self.goal_tick - self.start_tick
        return (
            self.goal_tick
            if abs(distance) <= travelled
            else self.start_tick + (travelled if distance > 0 else -travelled)
        )


class KinematicPlant:
    """Goes to the goal at the profile velocity on a clock: no mass, no load, and it stays where torque leaves it.

    A profile acceleration is not felt.

    `measure` may be called from any thread.
    """

    def __init__(self, clock: Clock, start_ticks: Mapping[int, int]) -> None:
        self._clock = clock
        self._torque = dict.fromkeys(start_ticks, False)
        now_ns = clock.now_ns()
        self._motions = {
            servo_id: _Motion(float(tick), float(tick), 0.0, now_ns) for servo_id, tick in start_ticks.items()
        }

    def set_torque(self, servo_id: int, on: bool) -> None:
        """See ServoPlant."""
        self.stop(servo_id)
        self._torque[servo_id] = on

    def set_goal(self, servo_id: int, tick: int, profile_velocity: float, profile_acceleration: float = 0.0) -> None:
        """See ServoPlant."""
        if self._torque[servo_id]:
            self._move(servo_id, float(tick), profile_velocity * TICKS_A_SECOND)

    def stop(self, servo_id: int) -> None:
        """See ServoPlant."""
        self._move(servo_id, round(self._motions[servo_id].at(self._clock.now_ns())), 0.0)

    def measure(self, servo_id: int) -> ServoMeasurement:
        """See ServoPlant."""
        motion = self._motions[servo_id]
        tick = motion.at(self._clock.now_ns())
        moving = 0 if tick == motion.goal_tick else (1 if motion.goal_tick > tick else -1)
        return ServoMeasurement(round(tick), moving * round(motion.ticks_a_second / TICKS_A_SECOND), 0)

    def turn_by_hand(self, servo_id: int, tick: int) -> None:
        """A hand leads it there at once. It cannot while there is torque. From any thread."""
        if not self._torque[servo_id]:
            self._motions[servo_id] = _Motion(float(tick), float(tick), 0.0, self._clock.now_ns())

    def _move(self, servo_id: int, goal_tick: float, ticks_a_second: float) -> None:
        now_ns = self._clock.now_ns()
        self._motions[servo_id] = _Motion(self._motions[servo_id].at(now_ns), goal_tick, ticks_a_second, now_ns)

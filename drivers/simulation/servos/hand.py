"""A hand that turns the joints of an emulated arm, as a person does who calibrates one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from libra_edge.drivers.simulation.servos.plant import ServoMeasurement
from libra_edge.robot import TICKS_PER_TURN

FARTHEST_DEG = 360.0


@runtime_checkable
class Turnable(Protocol):
    """A plant whose joints can be turned from outside while they are without torque."""

    def measure(self, servo_id: int) -> ServoMeasurement:
        """Where it is now."""
        ...

    def turn_by_hand(self, servo_id: int, tick: int) -> None:
        """A hand leads it there. It cannot while there is torque."""
        ...


class Hand:
    """Turns one joint at a time by what it is told in words."""

    def __init__(self, plant: Turnable, servo_ids: Iterable[int]) -> None:
        self._plant, self._ids = plant, tuple(servo_ids)

    def obey(self, line: str) -> None:
        """`3 -45`: servo 3, 45 degrees towards fewer ticks. Raises ValueError, in one clause, for anything else."""
        servo_id, degrees = self._understood(line)
        tick = self._plant.measure(servo_id).position_tick + round(degrees / 360.0 * TICKS_PER_TURN)
        self._plant.turn_by_hand(servo_id, tick)

    def _understood(self, line: str) -> tuple[int, float]:
        words = line.split()
        try:
            servo_id, degrees = int(words[0]), float(words[1])
        except (ValueError, IndexError) as error:
            raise ValueError(f"{line.strip()[:40]!r} is not SERVO DEGREES, such as: 3 -45") from error
        if len(words) > 2 or servo_id not in self._ids:
            raise ValueError(f"{line.strip()[:40]!r} is not SERVO DEGREES with a servo of {self._ids}")
        if not math.isfinite(degrees) or abs(degrees) > FARTHEST_DEG:
            raise ValueError(f"{words[1][:20]} degrees are too many: at most {FARTHEST_DEG:g} at a time")
        return servo_id, degrees

"""Servos whose every sensor value says whose it is and when it was measured."""

from __future__ import annotations

import time

from libra_edge.drivers.simulation.servos.plant import KinematicPlant, ServoMeasurement

SLICE = 512
"""Ticks that belong to one servo: six of them in a turn. The time in ms is told modulo this."""


def value_of(servo_id: int, now_ms: int) -> int:
    """The position, ticks, that the servo measures at a monotonic time."""
    return servo_id * SLICE + now_ms % SLICE


class TellingPlant(KinematicPlant):
    """Obeys as it should, and measures nothing but the time; the velocity is the servo's id."""

    def measure(self, servo_id: int) -> ServoMeasurement:
        """In the slice of the servo, the time now."""
        return ServoMeasurement(value_of(servo_id, time.monotonic_ns() // 1_000_000), servo_id, -servo_id)

"""The servo loop's thread: ticks at absolute deadlines.

A thread with `time.sleep` of its own, because an event loop's timers are a millisecond coarse.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from libra_edge.protocols import Clock
from libra_edge.runtime.servo_deadlines import Deadlines
from libra_edge.runtime.servo_loop import ServoLoop
from libra_edge.runtime.supervisor import Event


def run_ticks(servo: ServoLoop, clock: Clock, opened: Callable[[], object], first: Event = Event.TORQUE_ON) -> None:
    """Open the arm, do `first`, call `opened`, tick until the loop has finished, close the arm.

    Raises MissingHardwareError or BusError if the arm cannot be opened, BusError if it cannot be left as asked for.
    """
    try:
        servo.open(first)
        opened()
        deadlines = Deadlines(clock.now_ns(), servo.period_ns)
        while not servo.finished:
            time.sleep(max(deadlines.due_ns - clock.now_ns(), 0) / 1e9)
            servo.tick(deadlines.due_ns, deadlines.missed)
            deadlines.advance(clock.now_ns())
    finally:
        servo.close()

"""The servo process with trouble from within: SIGUSR1 makes a garbage-collection storm, SIGUSR2 steps its wall clock.

The wall clock is what Python's `time` module says; the machine's own clock is everybody's, and stays.
"""

from __future__ import annotations

import signal
import threading

from libra_edge.cli import servo
from tests.faults.trouble import collect_garbage, step_wall_clock

HOUR_S = 3600.0
STORM, CLOCK = signal.SIGUSR1, signal.SIGUSR2


def await_trouble() -> None:
    """An hour ahead, at the second signal two hours back, and so on."""
    by_s = HOUR_S
    while True:
        if signal.sigwait({STORM, CLOCK}) == STORM:
            collect_garbage()
        else:
            step_wall_clock(by_s)
            by_s = -2 * HOUR_S if by_s > 0 else 2 * HOUR_S


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {STORM, CLOCK})
    threading.Thread(target=await_trouble, daemon=True).start()
    servo.main()

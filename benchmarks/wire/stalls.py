"""Stops another process again and again, as a machine with too much to do does: for milliseconds, at any moment."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

BETWEEN_S = (0.1, 0.4)
"""From one burst of stops to the next."""
STOPS = (5, 13)
STOPPED_S, RUNNING_S = (0.004, 0.02), (0.0005, 0.004)


@contextmanager
def stalled(pid: int, seed: int) -> Iterator[None]:
    """While the context lasts, the process is stopped in bursts; it runs when it ends."""
    ended = threading.Event()
    stopping = threading.Thread(target=_stop_in_bursts, args=(pid, random.Random(seed), ended))
    stopping.start()
    try:
        yield
    finally:
        ended.set()
        stopping.join()


def _stop_in_bursts(pid: int, chance: random.Random, ended: threading.Event) -> None:
    while not ended.wait(chance.uniform(*BETWEEN_S)):
        for _ in range(chance.randint(*STOPS)):
            os.kill(pid, signal.SIGSTOP)
            ended.wait(chance.uniform(*STOPPED_S))
            os.kill(pid, signal.SIGCONT)
            ended.wait(chance.uniform(*RUNNING_S))

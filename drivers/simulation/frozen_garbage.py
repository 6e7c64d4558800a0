"""Keeps the garbage collector from stopping a process whose servos have to answer within a millisecond."""

from __future__ import annotations

import gc


def freeze_garbage() -> None:
    """What is loaded by now is never looked through again.

    Looking through all of it took 20..100 ms every minute or two, measured: silence that trips a bus watchdog.
    """
    gc.collect()
    gc.freeze()

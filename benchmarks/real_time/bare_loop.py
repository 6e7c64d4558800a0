"""The most punctual loop there is here: a process that only sleeps until its next deadline, with clock_nanosleep."""

from __future__ import annotations

import ctypes
import ctypes.util
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

from libra_edge.runtime.realtime import set_up_realtime
from libra_edge.runtime.servo_deadlines import Deadlines
from libra_edge.runtime.servo_durations import Durations

CLOCK_MONOTONIC, TIMER_ABSTIME = 1, 1
Result = tuple[Durations, str]


class Timespec(ctypes.Structure):
    """`struct timespec`."""

    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]


class BareLoop:
    """Runs in a process of its own, with the scheduling that a servo process gets. Made by `bare_loop`."""

    def __init__(self, rate_hz: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._started, self._ended = context.Event(), context.Event()
        self._results: multiprocessing.SimpleQueue[Result] = context.SimpleQueue()
        self._process = context.Process(target=_loop, args=(rate_hz, self._started, self._ended, self._results))
        self._process.start()

    def start(self) -> None:
        """Begin to measure."""
        self._started.set()

    def result(self) -> Result:
        """End it; how late it was, and what real-time set-up it was granted."""
        self.start()
        self._ended.set()
        result = self._results.get()
        self._process.join()
        return result

    def kill(self) -> None:
        """Whatever state it is in."""
        self._process.kill()
        self._process.join()


@contextmanager
def bare_loop(rate_hz: float) -> Iterator[BareLoop]:
    """A bare loop that ends with the context at the latest."""
    loop = BareLoop(rate_hz)
    try:
        yield loop
    finally:
        loop.kill()


def _loop(rate_hz: float, started: Event, ended: Event, results: multiprocessing.SimpleQueue[Result]) -> None:
    libc = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True)
    granted, late = str(set_up_realtime()), Durations()
    started.wait()
    deadlines = Deadlines(time.monotonic_ns(), round(1e9 / rate_hz))
    while not ended.is_set():
        deadlines.advance(time.monotonic_ns())
        until = Timespec(*divmod(deadlines.due_ns, 1_000_000_000))
        error = libc.clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, ctypes.byref(until), None)
        if error:
            raise OSError(error, os.strerror(error))
        late.add(time.monotonic_ns() - deadlines.due_ns)
    results.put((late, granted))

"""Makes the calling thread as punctual as this machine allows, and says what it got. It never fails."""

from __future__ import annotations

import ctypes
import ctypes.util
import gc
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PRIORITY = 60
"""Of SCHED_FIFO, 1..99: above the kernel's threaded interrupts (50), so that a storm of them cannot starve the loop."""

SWITCH_INTERVAL_S = 0.0005
PR_SET_TIMERSLACK = 29
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
CORES_TO_SPARE = 4
LATENCY_REQUEST = Path("/dev/cpu_dma_latency")
"""Holds as long as it is open (Linux, "PM Quality Of Service Interface")."""


@dataclass(frozen=True, slots=True)
class RealtimeMeasure:
    """One measure: whether it was granted, and what came of it."""

    name: str
    granted: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class RealtimeReport:
    """All measures, in the order in which they were tried."""

    measures: tuple[RealtimeMeasure, ...]

    def __str__(self) -> str:
        """`granted: a, b; not granted: c (why)`."""
        granted = ", ".join(measure.name for measure in self.measures if measure.granted)
        refused = ", ".join(f"{measure.name} ({measure.outcome})" for measure in self.measures if not measure.granted)
        return f"granted: {granted or 'nothing'}; not granted: {refused or 'nothing'}"


def set_up_realtime() -> RealtimeReport:
    """Freeze the garbage collector's present objects, take real-time scheduling, a core, locked memory, exact timers.

    Until the process ends no processor goes to sleep: waking one takes longer than all that a cycle computes.
    Scheduling, core and timer slack hold for the calling thread and those it starts later: a servo thread alone would
    still wait for the interpreter while an ordinary thread holds it and a busy machine holds that one up.
    """
    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        ("garbage collector frozen", _freeze_garbage_collector),
        ("short thread switch", _shorten_thread_switch),
        ("real-time scheduling", _take_realtime_scheduling),
        ("core of its own", _take_core),
        ("memory locked", _lock_memory),
        ("exact timers", _remove_timer_slack),
        ("processors awake", keep_processors_awake),
    )
    return RealtimeReport(tuple(_try(name, step) for name, step in steps))


def keep_processors_awake() -> str:
    """Idle processors wait in their lightest state until this process ends; costs power. Raises OSError."""
    request = os.open(LATENCY_REQUEST, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(request, (0).to_bytes(4, sys.byteorder))
    except OSError:
        os.close(request)
        raise
    return "0 us to wake up"


def _try(name: str, step: Callable[[], str]) -> RealtimeMeasure:
    try:
        return RealtimeMeasure(name, True, step())
    except (OSError, AttributeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return RealtimeMeasure(name, False, why.lower())


def _freeze_garbage_collector() -> str:
    gc.collect()
    gc.freeze()
    return f"{gc.get_freeze_count()} objects"


def _shorten_thread_switch() -> str:
    """So that the event loop's thread gives the interpreter back soon when the servo thread wakes up."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return f"{SWITCH_INTERVAL_S * 1e3} ms"


def _take_realtime_scheduling() -> str:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    return f"SCHED_FIFO {PRIORITY}"


def _take_core() -> str:
    """Pinned only where cores abound and the kernel grants real time: else a busy core would do more harm than good."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < CORES_TO_SPARE:
        raise OSError(0, f"only {len(cores)} cores")
    if os.sched_getscheduler(0) != os.SCHED_FIFO:
        raise OSError(0, "no real-time scheduling")
    os.sched_setaffinity(0, {cores[-1]})
    return f"core {cores[-1]}"


def _lock_memory() -> str:
    """Pages stay once they have been used; to take all that is merely mapped would triple the process."""
    _checked(_libc().mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
    return "pages in use"


def _remove_timer_slack() -> str:
    _checked(_libc().prctl(PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0))
    return "1 ns slack"


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True)


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

"""How much memory this process and its servo process have in RAM, sampled while they work."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from libra_edge.runtime.servo_client import SERVO_MODULE

PAGE = os.sysconf("SC_PAGE_SIZE")
EVERY_S = 1.0


@dataclass(slots=True)
class ResidentMemory:
    """Bytes of both processes, one entry a sample."""

    policy: list[int] = field(default_factory=list)
    servo: list[int] = field(default_factory=list)


@contextmanager
def watched_memory() -> Iterator[ResidentMemory]:
    """Sample in a thread of its own as long as a servo process lives."""
    seen, stopping = ResidentMemory(), threading.Event()
    thread = threading.Thread(target=_sample, args=(seen, stopping), name="memory", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stopping.set()
        thread.join()


def _sample(seen: ResidentMemory, stopping: threading.Event) -> None:
    servo: int | None = None
    while not stopping.wait(EVERY_S):
        servo = servo or _servo_process()
        if servo is None:
            continue
        with suppress(OSError):  # the servo process has ended
            servo_bytes = _resident(servo)
            if servo_bytes > 0:
                seen.policy.append(_resident(os.getpid()))
                seen.servo.append(servo_bytes)


def _servo_process() -> int | None:
    for children in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            with suppress(OSError):
                if SERVO_MODULE.encode() in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                    return child
    return None


def _resident(process: int) -> int:
    """Bytes; field 2 of proc_pid_statm(5)."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE

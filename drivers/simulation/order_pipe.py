"""The simulation's stdin: first its robot, later orders, and all along the sign that its parent lives."""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Callable

ORPHAN_CHECK_S = 0.5
CHUNK = 65_536


class OrderPipe:
    """Lines from a file descriptor, used from one thread at a time. What is no pipe gives no orders."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting = b""

    @property
    def is_pipe(self) -> bool:
        """Whether somebody may be at the other end."""
        return stat.S_ISFIFO(os.fstat(self._descriptor).st_mode)

    def first_line(self) -> bytes:
        """The first line, without its end; all there is if that ends before the line does."""
        while b"\n" not in self._waiting and (more := os.read(self._descriptor, CHUNK)):
            self._waiting += more
        line, _, self._waiting = self._waiting.partition(b"\n")
        return line

    def listen(self, take: Callable[[bytes], None], longest: int) -> None:
        """Hand every further line to `take` until the pipe is closed, or the parent is gone although somebody else
        still holds the pipe. A line of more than `longest` bytes is cut there, so that it cannot fill the memory.
        """
        parent = os.getppid()
        while os.getppid() == parent:
            while b"\n" in self._waiting:
                line, _, self._waiting = self._waiting.partition(b"\n")
                take(line[:longest])
            self._waiting = self._waiting[:longest]
            ready, _, _ = select.select([self._descriptor], [], [], ORPHAN_CHECK_S)
            if not ready:
                continue
            more = os.read(self._descriptor, CHUNK)
            if not more:
                return
            self._waiting += more

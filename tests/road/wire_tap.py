"""A listener in the cable: a pseudo-terminal before the servos' port; passes every byte on and keeps a copy."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import tty
from pathlib import Path
from types import TracebackType

import serial

READ_BYTES = 4096
HOLDER_LOOK_S = 0.1


class WireTap:
    """Passes bytes both ways between `port`, which the host opens, and the servos' own port.

    Attributes:
        port: path for the host.
        host_bytes: everything that the host sent, in order.
        holders: command lines of the processes that were seen to have `port` open.
    """

    def __init__(self, servo_port: str, baud: int) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        os.close(slave)
        self._cable = serial.Serial(servo_port, baud, timeout=0)
        self._servos = self._cable.fileno()
        self._wake, self._stop = os.pipe()
        self.host_bytes = bytearray()
        self.holders: set[str] = set()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._pass_on), threading.Thread(target=self._watch_holders)]

    def __enter__(self) -> WireTap:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        os.write(self._stop, b"x")
        for thread in self._threads:
            thread.join()
        self._cable.close()
        for descriptor in (self._master, self._wake, self._stop):
            os.close(descriptor)

    def _pass_on(self) -> None:
        while not self._ended.is_set():
            ready, _, _ = select.select([self._master, self._servos, self._wake], [], [])
            if self._master in ready:
                self._from_host()
            if self._servos in ready:
                os.write(self._master, os.read(self._servos, READ_BYTES))

    def _from_host(self) -> None:
        try:
            data = os.read(self._master, READ_BYTES)
        except OSError:  # nobody has the host's end open: that is how a pseudo-terminal says so
            self._ended.wait(0.005)
            return
        self.host_bytes += data
        os.write(self._servos, data)

    def _watch_holders(self) -> None:
        while not self._ended.wait(HOLDER_LOOK_S):
            for process in Path("/proc").glob("[0-9]*"):
                if self._holds(process):
                    self.holders.add((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())

    def _holds(self, process: Path) -> bool:
        with contextlib.suppress(OSError):
            return any(str(link.readlink()) == self.port for link in (process / "fd").iterdir())
        return False

"""A serial port that is ours alone: a descriptor that never blocks, for an event loop to watch."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import select
import termios
import time
import types
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any, TypeVar

import serial

from libra_edge.errors import MissingHardwareError, PortError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

CHUNK_BYTES = 4096
WRITE_PATIENCE_S = 0.005
"""The kernel takes a packet at once or, where the far end has stopped reading, never."""
LIST_PORTS = "`python -m serial.tools.list_ports` lists the ports, `--robot koch-sim` needs none"


class SerialPort:
    """8 data bits, no parity, one stop bit, locked against other programs that lock too.

    Used from one thread. A program with an event loop awaits what `SerialTransport` offers there; one without lets
    `wait_for` step through it.
    """

    def __init__(self, path: str, baud: int) -> None:
        self.path = path
        self.baud = baud
        self._serial: serial.Serial | None = None

    @property
    def is_open(self) -> bool:
        """Between `open` and `close`."""
        return self._serial is not None

    def open(self) -> None:
        """Open and lock the port. Raises MissingHardwareError."""
        try:
            self._serial = serial.Serial(self.path, self.baud, timeout=0, write_timeout=0, exclusive=True)
        except (OSError, ValueError, termios.error) as error:
            raise MissingHardwareError(_why_not_opened(self.path, error)) from error
        if Path(self.path).resolve().name.startswith("ttyUSB"):
            self._shorten_latency()

    def close(self) -> None:
        """Close the port; may be called twice."""
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    def fileno(self) -> int:
        """The descriptor. Raises PortError for a port that is not open."""
        descriptor: int = self._opened().fileno()
        return descriptor

    def send(self, packet: bytes) -> None:
        """Hand a packet to the kernel. Raises PortError."""
        try:
            _write_whole(self.fileno(), packet)
        except OSError as error:
            raise PortError(self.path, f"cannot be written: {error}; was it unplugged?") from error

    def take(self) -> bytes:
        """Whatever has come, without waiting. Raises PortError."""
        try:
            return os.read(self.fileno(), CHUNK_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise PortError(self.path, f"cannot be read: {error}; was it unplugged?") from error

    async def readable(self, until_s: float) -> bool:
        """Wait until there is something to `take`; False if nothing has come by the monotonic time `until_s`."""
        try:
            events = asyncio.get_running_loop()
        except RuntimeError:
            return await _stepped(until_s)
        descriptor, ready = self.fileno(), events.create_future()
        events.add_reader(descriptor, _settle, ready, True)
        timer = events.call_at(until_s, _settle, ready, False)
        try:
            return bool(await ready)
        finally:
            timer.cancel()
            events.remove_reader(descriptor)

    def wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run `work`, which awaits nothing but this port, to its end in a thread without an event loop.

        Its waits are plain `select` calls: tasks and callbacks would make each cycle of the servo loop 100 us longer.
        """
        try:
            until_s = work.send(None)
            while True:
                until_s = work.send(self._is_readable_by(until_s))
        except StopIteration as done:
            result: Result = done.value
            return result
        finally:
            work.close()

    def _is_readable_by(self, until_s: float) -> bool:
        """Looks once more after the time is up: the process may have been stopped for longer than it meant to wait."""
        descriptor = self.fileno()
        while True:
            left_s = until_s - time.monotonic()
            ready = bool(select.select([descriptor], [], [], max(0.0, left_s))[0])
            if ready or left_s <= 0.0:
                return ready

    def _opened(self) -> serial.Serial:
        if self._serial is None:
            raise PortError(self.path, "is not open")
        return self._serial

    def _shorten_latency(self) -> None:
        """An FTDI chip keeps an answer back for up to 16 ms, 1 ms with this."""
        try:
            self._opened().set_low_latency_mode(True)
        except (OSError, ValueError, NotImplementedError) as error:
            logger.warning("%s keeps its latency of up to 16 ms (%s): the servo loop may be late", self.path, error)


@types.coroutine
def _stepped(until_s: float) -> Generator[float, bool, bool]:
    """Hands a wait to `wait_for`, and what came of it back."""
    return (yield until_s)


def _settle(ready: asyncio.Future[bool], result: bool) -> None:
    if not ready.done():
        ready.set_result(result)


def _write_whole(descriptor: int, packet: bytes) -> None:
    """Hand all of it to the kernel. Raises OSError if the kernel takes nothing more.

    The time is not looked at: a clock also counts the time in which this process was not running.
    """
    left = packet[os.write(descriptor, packet) :]
    while left:
        _, ready, _ = select.select([], [descriptor], [], WRITE_PATIENCE_S)
        if not ready:
            raise OSError(errno.ETIMEDOUT, f"{len(left)} of {len(packet)} bytes not taken, the far end does not read")
        left = left[os.write(descriptor, left) :]


def _why_not_opened(path: str, error: Exception) -> str:
    """One sentence: what is wrong with the port, and what to do."""
    code = getattr(error, "errno", None)
    if code in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return f"there is no port {path}: is the arm plugged in and powered? {LIST_PORTS}"
    if code in {errno.EAGAIN, errno.EBUSY}:
        return f"port {path} is in use by another program (ModemManager holds a new one for some seconds): close it"
    if code in {errno.EACCES, errno.EPERM}:
        return f"no permission to open {path}: `sudo usermod -a -G {_group_of(path)} $USER`, then log in again"
    return f"port {path} cannot be opened: {error}; {LIST_PORTS}"


def _group_of(path: str) -> str:
    """The group that may open it, usually dialout."""
    try:
        return Path(path).group()
    except (OSError, KeyError):
        return "dialout"

"""A serial port that is ours alone, read against absolute deadlines without spinning."""

from __future__ import annotations

import errno
import logging
import select
import termios
import time
from pathlib import Path

import serial

from libra_edge.errors import MissingHardwareError, PortError

logger = logging.getLogger(__name__)

CHUNK_BYTES = 4096
WRITE_PATIENCE_S = 0.005
"""The kernel takes a packet at once or, where the far end has stopped reading, never."""
LIST_PORTS = "`python -m serial.tools.list_ports` lists the ports, `--robot koch-sim` needs none"


class SerialPort:
    """8 data bits, no parity, one stop bit, locked against other programs that lock too."""

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

    def send(self, packet: bytes) -> None:
        """Drop what was received and not read (it answers nothing we still ask), then send. Raises PortError."""
        port = self._opened()
        try:
            port.reset_input_buffer()
            _write_whole(port, packet)
        except (OSError, termios.error) as error:
            raise PortError(self.path, f"cannot be written: {error}; was it unplugged?") from error

    def receive(self, deadline_ns: int) -> bytes:
        """Whatever has come, waiting for it until `deadline_ns` (monotonic); b"" after that. Raises PortError."""
        port = self._opened()
        remaining_s = max(0, deadline_ns - time.monotonic_ns()) / 1e9
        try:
            ready, _, _ = select.select([port.fileno()], [], [], remaining_s)
            return bytes(port.read(CHUNK_BYTES)) if ready else b""
        except (OSError, termios.error) as error:
            raise PortError(self.path, f"cannot be read: {error}; was it unplugged?") from error

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


def _write_whole(port: serial.Serial, packet: bytes) -> None:
    """Hand all of it to the kernel. Raises OSError if the kernel takes nothing more.

    pyserial's own write timeout is not used: it also counts the time in which this process was not running, and calls a
    packet lost that has long been sent.
    """
    left = packet[port.write(packet) or 0 :]
    while left:
        _, ready, _ = select.select([], [port.fileno()], [], WRITE_PATIENCE_S)
        if not ready:
            raise OSError(errno.ETIMEDOUT, f"{len(left)} of {len(packet)} bytes not taken, the far end does not read")
        left = left[port.write(left) or 0 :]


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

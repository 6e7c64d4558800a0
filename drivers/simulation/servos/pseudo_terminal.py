"""A pseudo-terminal that stands in for the serial port of an arm."""

from __future__ import annotations

import os
import select
import termios
import tty

CHUNK_BYTES = 4096
OUTPUT_SPEED = 5
"""Index of the output speed in what termios.tcgetattr returns."""


class PseudoTerminal:
    """The far end of a serial cable; a host opens `port`.

    Our own hold on the host's end keeps the port alive while no host has it open.
    """

    def __init__(self) -> None:
        self._far, self._host_end = os.openpty()
        self._wake_read, self._wake_write = os.pipe()
        tty.setraw(self._host_end)
        os.set_blocking(self._far, False)
        self.port = os.ttyname(self._host_end)
        self._open = True

    def receive(self, timeout_s: float | None) -> bytes:
        """Bytes from the host, waiting for the first; b"" after the time, or when woken."""
        ready, _, _ = select.select([self._far, self._wake_read], [], [], timeout_s)
        return os.read(self._far, CHUNK_BYTES) if self._far in ready else b""

    def send(self, data: bytes) -> None:
        """Bytes to the host; what does not fit because nobody reads is lost, as on a wire. None once it is closed."""
        if not self._open:
            return
        try:
            os.write(self._far, data)
        except BlockingIOError:
            return

    def host_speed(self) -> int:
        """The termios speed constant that the host has set."""
        speed: int = termios.tcgetattr(self._host_end)[OUTPUT_SPEED]
        return speed

    def wake(self) -> None:
        """End a `receive` that waits in another thread; later ones do not wait either."""
        os.write(self._wake_write, b"x")

    def close(self) -> None:
        """Unplug; may be called twice."""
        if self._open:
            self._open = False
            for descriptor in (self._far, self._host_end, self._wake_read, self._wake_write):
                os.close(descriptor)

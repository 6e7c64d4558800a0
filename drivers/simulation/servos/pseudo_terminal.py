"""A pseudo-terminal that stands in for the serial port of an arm."""

from __future__ import annotations

import fcntl
import os
import select
import sys
import tty

CHUNK_BYTES = 4096
TCGETS2 = 0x802C542A
TERMIOS2_BYTES = 44
"""Linux's `struct termios2` (asm-generic/termbits.h); its last word is the output speed."""


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

    def host_baud(self) -> int:
        """The speed that the host has set, bits a second; any number, not only those that termios has names for."""
        settings = bytearray(TERMIOS2_BYTES)
        fcntl.ioctl(self._host_end, TCGETS2, settings)
        return int.from_bytes(settings[-4:], sys.byteorder)

    def wake(self) -> None:
        """End a `receive` that waits in another thread; later ones do not wait either."""
        os.write(self._wake_write, b"x")

    def close(self) -> None:
        """Unplug; may be called twice."""
        if self._open:
            self._open = False
            for descriptor in (self._far, self._host_end, self._wake_read, self._wake_write):
                os.close(descriptor)

"""Carries one exchange after the other over a serial port, in the event loop of whoever awaits it, or stepped."""

from __future__ import annotations

import time

from libra_edge.drivers.dynamixel.exchange import Exchange
from libra_edge.drivers.dynamixel.frame import Frame
from libra_edge.drivers.dynamixel.parser import FrameParser
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.errors import PortError

BITS_A_BYTE = 10


class SerialTransport:
    """The kernel watches the port's descriptor; nothing spins, or has a thread."""

    def __init__(self, port: SerialPort) -> None:
        self.port = port

    def wire_s(self, exchange: Exchange) -> float:
        """How long question and answers are on the wire."""
        return (len(exchange.packet) + exchange.answer_bytes) * BITS_A_BYTE / self.port.baud

    def drain(self) -> tuple[list[Frame], int]:
        """Take what was not awaited: packets that check, and how many do not. Raises PortError.

        The rest of an answer that came in part before its time was over is one of these.
        """
        stale = self.port.take()
        if not stale:
            return [], 0
        parser = FrameParser()
        frames = parser.feed(stale)
        in_part = not parser.corrupt and len(stale) > sum(len(frame.raw) for frame in frames)
        return frames, parser.corrupt + in_part

    async def listen(self, wait_s: float) -> tuple[list[Frame], int]:
        """Ask nothing for so long; what comes: packets that check, and how many do not. Raises PortError."""
        until_s, parser, frames = time.monotonic() + wait_s, FrameParser(), list[Frame]()
        while await self.port.readable(until_s):
            frames += parser.feed(self._taken())
        return frames, parser.corrupt

    async def carry(self, exchange: Exchange, wait_s: float) -> float:
        """Send the question, feed the exchange until it has enough or `wait_s` has passed; seconds it took.

        Raises PortError.
        """
        began_s = time.monotonic()
        self.port.send(exchange.packet)
        while await self.port.readable(began_s + wait_s):
            if exchange.feed(self._taken()):
                break
        exchange.end()
        return time.monotonic() - began_s

    def _taken(self) -> bytes:
        """What has come, of a port on which something has."""
        data = self.port.take()
        if not data:
            raise PortError(self.port.path, "hung up; was it unplugged?")
        return data

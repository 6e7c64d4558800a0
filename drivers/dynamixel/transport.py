"""Carries one exchange after the other over a serial port, in the event loop of whoever awaits it."""

from __future__ import annotations

import asyncio
import time

from libra_edge.drivers.dynamixel.exchange import Exchange
from libra_edge.drivers.dynamixel.parser import FrameParser
from libra_edge.drivers.dynamixel.serial_port import SerialPort
from libra_edge.errors import PortError

BITS_A_BYTE = 10


class SerialTransport:
    """The loop watches the port's descriptor; nothing spins, blocks, or has a thread."""

    def __init__(self, port: SerialPort) -> None:
        self.port = port

    def wire_s(self, exchange: Exchange) -> float:
        """How long question and answers are on the wire."""
        return (len(exchange.packet) + exchange.answer_bytes) * BITS_A_BYTE / self.port.baud

    def drain(self) -> int:
        """Drop what has come and was not awaited; how many whole packets that was. Raises PortError."""
        stale = self.port.take()
        return len(FrameParser().feed(stale)) if stale else 0

    async def carry(self, exchange: Exchange, wait_s: float) -> float:
        """Send the question, feed the exchange until it has enough or `wait_s` has passed; seconds it took.

        Raises PortError.
        """
        events = self.port.events
        ended: asyncio.Future[PortError | None] = events.create_future()
        descriptor = self.port.fileno()
        began = time.monotonic()
        self.port.send(exchange.packet)
        events.add_reader(descriptor, self._receive, exchange, ended)
        timer = events.call_later(wait_s, _end, ended, None)
        try:
            problem = await ended
        finally:
            timer.cancel()
            events.remove_reader(descriptor)
        if problem is not None:
            raise problem
        exchange.end()
        return time.monotonic() - began

    def _receive(self, exchange: Exchange, ended: asyncio.Future[PortError | None]) -> None:
        try:
            data = self.port.take()
        except PortError as error:
            _end(ended, error)
            return
        if not data:
            _end(ended, PortError(self.port.path, "hung up; was it unplugged?"))
        elif exchange.feed(data):
            _end(ended, None)


def _end(ended: asyncio.Future[PortError | None], problem: PortError | None) -> None:
    if not ended.done():
        ended.set_result(problem)

"""What can happen to a status packet on its way to the host. Each takes a packet and returns the bytes that arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count

from libra_edge.drivers.dynamixel.frame import Status

Transmit = Callable[[bytes], bytes]
"""What happens to a status packet on its way: returns the bytes that arrive (b"" for none)."""

STRANGER_ID = 252
"""The highest id that a servo can have: hardly anybody's."""
CUT_BYTES = 4
FLIPPED = 0x10


def lost(_packet: bytes) -> bytes:
    """Nothing arrives."""
    return b""


def corrupt(packet: bytes) -> bytes:
    """One bit is another: the checksum does not hold."""
    return packet[:-5] + bytes([packet[-5] ^ FLIPPED]) + packet[-4:]


def truncated(packet: bytes) -> bytes:
    """The end is missing."""
    return packet[:-CUT_BYTES]


def duplicated(packet: bytes) -> bytes:
    """It arrives twice."""
    return packet * 2


def of_wrong_id(packet: bytes) -> bytes:
    """A packet that checks, from a servo that nobody asked."""
    return Status(STRANGER_ID, 0, packet[9:-2]).encode()


PACKET_FAULTS: Mapping[str, Transmit] = {
    "lost": lost,
    "corrupt": corrupt,
    "truncated": truncated,
    "duplicated": duplicated,
    "wrong-id": of_wrong_id,
}


def late(send_later: Callable[[bytes, float], None], by_s: float) -> Transmit:
    """It arrives `by_s` seconds later, through `send_later`: perhaps while the next question is being answered.

    Of a fast answer they count from the end of its first block, but it does not arrive before its own end.
    """

    def fault(packet: bytes) -> bytes:
        send_later(packet, by_s)
        return b""

    return fault


def one_in(every: int, fault: Transmit) -> Transmit:
    """One status packet in so many gets it, the others pass."""
    numbers = count(1)
    return lambda packet: fault(packet) if next(numbers) % every == 0 else packet

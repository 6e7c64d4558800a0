"""Streams of status packets, whole, mutated, spliced and in noise, of which it is known what each servo sent."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from libra_edge.drivers.dynamixel import fast_sync_read
from libra_edge.drivers.dynamixel.frame import HEADER, Status

IDS = (1, 2, 3, 4, 5, 6)
SIZE = 10
STRANGER = 77
MARKS = (HEADER, HEADER[:3], HEADER[:2], HEADER + b"\xfe\x59\x00\x55", HEADER + b"\x03\x0e\x00", b"\xff\xff\xfd\xfd")


@dataclass(frozen=True, slots=True)
class BrokenStream:
    """Attributes:
    pieces: as they come from the port.
    sent: id -> the payloads of SIZE bytes which that servo has put on the wire, whole or not.
    """

    pieces: Sequence[bytes]
    sent: dict[int, set[bytes]]


def broken_stream(rng: random.Random) -> BrokenStream:
    """Every payload begins with its servo's id, and is its own in every other byte."""
    sent: dict[int, set[bytes]] = {servo_id: set() for servo_id in IDS}

    def a_payload(servo_id: int, size: int) -> bytes:
        payload = bytes([servo_id]) + (rng.choice(MARKS) + rng.randbytes(SIZE))[: size - 1]
        if servo_id in sent and size == SIZE:
            sent[servo_id].add(payload)
        return payload

    packets = [_a_packet(rng, a_payload) for _ in range(rng.randint(1, 6))]
    stream = b"".join(_mutated(rng, packets, index) for index in range(len(packets)))
    return BrokenStream(_in_pieces(rng, stream), sent)


def _a_packet(rng: random.Random, a_payload: Callable[[int, int], bytes]) -> bytes:
    """A plain answer, a fast one of all servos, a late one of another size, or one of a servo that nobody asked."""
    kind = rng.random()
    if kind < 0.25:
        statuses = [Status(servo_id, rng.choice((0, 0x80)), a_payload(servo_id, SIZE)) for servo_id in IDS]
        return fast_sync_read.encode_fast_answer(statuses[: rng.randint(1, 6)], len(IDS))
    if kind < 0.4:
        servo_id = rng.choice((*IDS, STRANGER))
        return Status(servo_id, 0, a_payload(servo_id, rng.choice((1, SIZE - 1, SIZE + 1)))).encode()
    servo_id = STRANGER if kind < 0.45 else rng.choice(IDS)
    return Status(servo_id, rng.choice((0, 0, 0x80)), a_payload(servo_id, SIZE)).encode()


def _mutated(rng: random.Random, packets: Sequence[bytes], index: int) -> bytes:
    """One of the packets, or what is left of it; three in ten stay whole."""
    packet, other = packets[index], rng.choice(packets)
    cut, noise = rng.randrange(len(packet) + 1), rng.randbytes(rng.randint(1, 12))
    head, tail = packet[:cut], packet[cut:]
    ways = (
        packet,
        packet,
        packet,
        _with_other_bytes(rng, packet),
        head + tail[rng.randint(1, 8) :],
        head + noise + tail,
        head + other[rng.randrange(len(other) + 1) :],
        head + rng.choice(MARKS) + tail,
        noise,
        head,
    )
    return rng.choice(ways)


def _with_other_bytes(rng: random.Random, packet: bytes) -> bytes:
    changed = bytearray(packet)
    for _ in range(rng.randint(1, 4)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _in_pieces(rng: random.Random, stream: bytes) -> list[bytes]:
    cuts = sorted(rng.randrange(len(stream) + 1) for _ in range(rng.randrange(4)))
    return [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

"""The packet reader on broken streams: it never fails, mistakes no servo for another, and is back within a packet."""

from __future__ import annotations

import random

import pytest

from libra_edge.drivers.dynamixel import fast_sync_read, instructions
from libra_edge.drivers.dynamixel.exchange import Exchange
from libra_edge.drivers.dynamixel.frame import Status, status_of
from libra_edge.drivers.dynamixel.parser import FrameParser
from tests.dynamixel.broken_streams import IDS, SIZE, BrokenStream, broken_stream

ALL, QUICK = 1_000_000, 4_000
"""`make soak` and `make test`."""
CRC_MISSES = 2.0**-16
"""A checksum of 16 bits holds by chance in so many of the packets that were damaged anyhow: nobody could tell."""
AFTERWARDS = (Status(4, 0, b"first"), Status(5, 0, b"second"))
QUESTIONS = (instructions.sync_read(IDS, 126, SIZE), instructions.fast_sync_read(IDS, 126, SIZE))


def answers_in(stream: BrokenStream, exchange: Exchange) -> dict[int, Status]:
    for piece in stream.pieces:
        exchange.feed(piece)
    exchange.end()
    return exchange.answers


def checks_in(stream: BrokenStream, status: Status) -> bool:
    """Whether just this answer, or its block of a fast one, lies in the stream with a checksum that holds."""
    received = b"".join(stream.pieces)
    return status.encode() in received or status in fast_sync_read.sound_blocks(received, IDS, SIZE)


def frames_in(stream: BrokenStream) -> list[Status | None]:
    """With two whole packets behind it."""
    parser = FrameParser()
    pieces = [*stream.pieces, *(status.encode() for status in AFTERWARDS)]
    return [status_of(frame) for piece in pieces for frame in parser.feed(piece)]


@pytest.mark.parametrize("count", [QUICK, pytest.param(ALL, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])])
def test_broken_streams(count: int) -> None:
    undetectable = 0
    seen = 0
    for seed in range(count):
        rng = random.Random(seed)
        stream = broken_stream(rng)
        answers = answers_in(stream, Exchange(rng.choice(QUESTIONS), SIZE, IDS))
        seen += len(answers)
        for servo_id, status in answers.items():
            of_others = set[bytes]().union(*(stream.sent[other] for other in IDS if other != servo_id))
            assert status.parameters not in of_others, f"stream {seed}: servo {servo_id} has the value of another"
            if status.parameters not in stream.sent[servo_id]:
                assert checks_in(stream, status), f"stream {seed}: servo {servo_id} has a value that nobody sent"
                undetectable += 1
        assert frames_in(stream)[-1] == AFTERWARDS[-1], f"stream {seed}: not back after a packet"
    assert seen > count / 2, "hardly anything was read: these streams prove nothing"
    assert undetectable <= count * CRC_MISSES

"""Cuts a stream of bytes into packets, and finds the next one after garbage."""

from __future__ import annotations

from libra_edge.drivers.dynamixel.frame import (
    HEADER,
    LONGEST_LENGTH,
    PREFIX_BYTES,
    SHORTEST_LENGTH,
    Frame,
    decode_frame,
)
from libra_edge.drivers.dynamixel.instruction_set import BROADCAST_ID, Opcode
from libra_edge.errors import CorruptPacketError

FAST_MARK = bytes([Opcode.STATUS])


class FrameParser:
    """Fed with bytes as they come, in pieces of any size.

    Attributes:
        corrupt: how many packets were thrown away.
        last_fault: what was wrong with the last of them.
    """

    def __init__(self) -> None:
        self.corrupt = 0
        self.last_fault: CorruptPacketError | None = None
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Every packet that `data` completes, in order."""
        self._buffer += data
        frames = []
        while (frame := self._next_frame()) is not None:
            frames.append(frame)
        return frames

    def clear(self) -> None:
        """Forget a packet that was begun."""
        self._buffer.clear()

    def _next_frame(self) -> Frame | None:
        while self._at_header():
            length = int.from_bytes(self._buffer[PREFIX_BYTES - 2 : PREFIX_BYTES], "little")
            if not SHORTEST_LENGTH <= length <= LONGEST_LENGTH:
                self._reject(CorruptPacketError(f"length {length}", bytes(self._buffer[:PREFIX_BYTES])))
                continue
            if len(self._buffer) < PREFIX_BYTES + length:
                if not self._cut_off():
                    return None
                self._reject(CorruptPacketError("cut off", bytes(self._buffer)))
                continue
            try:
                frame = decode_frame(bytes(self._buffer[: PREFIX_BYTES + length]))
            except CorruptPacketError as fault:
                self._reject(fault)
                continue
            del self._buffer[: PREFIX_BYTES + length]
            return frame
        return None

    def _at_header(self) -> bool:
        """Drop what precedes the next header; True once the prefix of a packet is complete."""
        start = self._buffer.find(HEADER)
        if start < 0:
            del self._buffer[: -len(HEADER) + 1]
            return False
        del self._buffer[:start]
        return len(self._buffer) >= PREFIX_BYTES

    def _cut_off(self) -> bool:
        """Whether another packet begins in the unfinished one.

        Stuffing rules a header out, but in a fast sync read's answer: there only a whole packet counts.
        """
        fast = self._buffer[len(HEADER)] == BROADCAST_ID and self._buffer[PREFIX_BYTES : PREFIX_BYTES + 1] == FAST_MARK
        start = self._buffer.find(HEADER, len(HEADER))
        while fast and start >= 0 and not self._holds_whole_packet(start):
            start = self._buffer.find(HEADER, start + len(HEADER))
        return start >= 0

    def _holds_whole_packet(self, start: int) -> bool:
        length = int.from_bytes(self._buffer[start + PREFIX_BYTES - 2 : start + PREFIX_BYTES], "little")
        end = start + PREFIX_BYTES + length
        if not SHORTEST_LENGTH <= length <= LONGEST_LENGTH or end > len(self._buffer):
            return False
        try:
            decode_frame(bytes(self._buffer[start:end]))
        except CorruptPacketError:
            return False
        return True

    def _reject(self, fault: CorruptPacketError) -> None:
        """Throw away the header alone: a whole packet may lie behind a damaged one's length."""
        self.corrupt += 1
        self.last_fault = fault
        del self._buffer[: len(HEADER)]

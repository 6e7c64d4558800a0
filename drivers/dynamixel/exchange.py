"""One question to servos and the answers that it can have. Pure bytes: whoever has the port feeds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from libra_edge.drivers.dynamixel import fast_sync_read
from libra_edge.drivers.dynamixel.frame import Frame, Instruction, Status, status_of
from libra_edge.drivers.dynamixel.instruction_set import BROADCAST_ID, Opcode
from libra_edge.drivers.dynamixel.parser import FrameParser
from libra_edge.errors import CorruptPacketError

STATUS_OVERHEAD = 11

_encoded = lru_cache(maxsize=256)(Instruction.encode)
"""A servo loop asks the same in every cycle."""


class Exchange:
    """An answer belongs to the question if its servo was asked and its size is the one asked for.

    Attributes:
        packet: the question's bytes.
        size: bytes of data in the answer of each servo.
        answers: servo id -> its answer, so far.
        strays: packets that check, and answer some other question.
    """

    def __init__(self, instruction: Instruction, size: int, servo_ids: Sequence[int]) -> None:
        self.packet = _encoded(instruction)
        self.servo_ids = servo_ids
        self.answers: dict[int, Status] = {}
        self.strays: list[Frame] = []
        self.size = size
        fast = instruction.opcode == Opcode.FAST_SYNC_READ
        self._blocks = fast_sync_read.BlockReader(servo_ids, size) if fast else None
        self._parser = FrameParser()
        self._received = bytearray()
        self._parsed = 0

    @property
    def answer_bytes(self) -> int:
        """What the answers together take on the wire, stuffing left out."""
        if self._blocks is not None:
            return fast_sync_read.packet_bytes(len(self.servo_ids), self.size)
        return len(self.servo_ids) * (STATUS_OVERHEAD + self.size)

    @property
    def complete(self) -> bool:
        """Whether every servo that was asked has answered."""
        return len(self.answers) == len(self.servo_ids)

    @property
    def missing(self) -> list[int]:
        """Servos without a sound answer, in the order in which they were asked."""
        return [servo_id for servo_id in self.servo_ids if servo_id not in self.answers]

    @property
    def corrupt(self) -> int:
        """How many packets were thrown away."""
        return self._parser.corrupt

    @property
    def fault(self) -> CorruptPacketError | None:
        """What was wrong with the last of them."""
        return self._parser.last_fault

    @property
    def silent(self) -> bool:
        """Whether nothing at all has come."""
        return not self._received

    def can_have_caused(self, frame: Frame) -> bool:
        """Whether the packet may be an answer to this question."""
        return frame.opcode == Opcode.STATUS and bool(self._statuses(frame))

    def ends_with(self, frame: Frame) -> bool:
        """Whether none comes after this one of its answers."""
        return frame.servo_id == BROADCAST_ID or frame.servo_id == self.servo_ids[-1]

    def feed(self, data: bytes) -> bool:
        """Take bytes as they come; True once all is there, or so much that what is damaged will not come again."""
        self._received += data
        if self._blocks is not None and not self._parsed:
            self._keep(self._blocks.read(self._received))
            if len(self._received) < self.answer_bytes:
                return False
            if not self.complete:
                self._keep(self._sound_blocks())
        if not self.complete or len(self._received) > self.answer_bytes:
            self._parse()  # also for what has come late, which is counted
        return self.complete or (self.corrupt > 0 and len(self._received) >= self.answer_bytes)

    def end(self) -> None:
        """No more will come: keep the blocks of a damaged or unfinished fast answer that are sound by themselves."""
        if self.complete:
            return
        self._parse()
        if self._blocks is not None:
            self._keep(self._sound_blocks())

    def _sound_blocks(self) -> list[Status]:
        """Also of a packet that something else precedes."""
        return fast_sync_read.sound_blocks(bytes(self._received), self.servo_ids, self.size)

    def _keep(self, statuses: Iterable[Status]) -> None:
        for status in statuses:
            self.answers.setdefault(status.servo_id, status)

    def _parse(self) -> None:
        """Look for packets in what has not been looked at yet."""
        for frame in self._parser.feed(bytes(self._received[self._parsed :])):
            self._take(frame)
        self._parsed = len(self._received)

    def _take(self, frame: Frame) -> None:
        if frame.opcode != Opcode.STATUS:
            return
        found = self._statuses(frame)
        if not found:
            self.strays.append(frame)
        self._keep(found)

    def _statuses(self, frame: Frame) -> list[Status]:
        """The answers in a frame that this question can have caused.

        To a fast sync read a servo may also answer by itself, as to a plain one.
        """
        if frame.servo_id == BROADCAST_ID:
            fits = self._blocks is not None and len(frame.raw) == self.answer_bytes
            return fast_sync_read.blocks_of(frame.raw, self.servo_ids, self.size) if fits else []
        status = status_of(frame)
        if status is None or status.servo_id not in self.servo_ids:
            return []
        return [status] if len(status.parameters) == self.size or status.refusal else []

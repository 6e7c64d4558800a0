"""The codec against the e-Manual's printed packets, ROBOTIS' SDK and itself."""

from __future__ import annotations

import pytest
from dynamixel_sdk.protocol2_packet_handler import Protocol2PacketHandler  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.drivers.dynamixel import fast_sync_read, instructions
from libra_edge.drivers.dynamixel.crc import crc16
from libra_edge.drivers.dynamixel.frame import HEADER, Instruction, Status, decode_frame, status_of
from libra_edge.drivers.dynamixel.parser import FrameParser
from libra_edge.drivers.dynamixel.stuffing import MARK, STUFFED_MARK, stuff, unstuff
from libra_edge.errors import CorruptPacketError

PRINTED = [
    (instructions.ping(1), "FF FF FD 00 01 03 00 01 19 4E"),
    (instructions.read(1, 132, 4), "FF FF FD 00 01 07 00 02 84 00 04 00 1D 15"),
    (instructions.write(1, 116, (512).to_bytes(4, "little")), "FF FF FD 00 01 09 00 03 74 00 00 02 00 00 CA 89"),
    (instructions.reboot(1), "FF FF FD 00 01 03 00 08 2F 4E"),
    (instructions.sync_read([1, 2], 132, 4), "FF FF FD 00 FE 09 00 82 84 00 04 00 01 02 CE FA"),
    (Status(1, 0, bytes([0x06, 0x04, 0x26])), "FF FF FD 00 01 07 00 55 00 06 04 26 65 5D"),
    (Status(1, 0, bytes([0xA6, 0, 0, 0])), "FF FF FD 00 01 08 00 55 00 A6 00 00 00 8C C0"),
    (Status(1), "FF FF FD 00 01 04 00 55 00 A1 0C"),
]
"""From the ROBOTIS e-Manual, "Protocol 2.0", the examples of each instruction."""

marks = st.sampled_from([b"\xff", b"\xfd", MARK, STUFFED_MARK, HEADER])
bodies = st.lists(st.one_of(st.binary(max_size=8), marks), max_size=30).map(b"".join)
servo_ids = st.integers(0, 252)
statuses = st.builds(Status, servo_ids, st.integers(0, 255), bodies)


@pytest.mark.parametrize(("packet", "printed"), PRINTED)
def test_packets_are_those_the_manual_prints(packet: Instruction | Status, printed: str) -> None:
    assert packet.encode() == bytes.fromhex(printed)


@given(st.binary(max_size=300), st.integers(0, 0xFFFF))
def test_checksum_agrees_with_the_sdk(data: bytes, start: int) -> None:
    assert crc16(data, start) == Protocol2PacketHandler().updateCRC(start, data, len(data))


@given(bodies)
def test_stuffing_hides_every_mark_and_is_undone(body: bytes) -> None:
    stuffed = stuff(body)
    assert stuffed.count(MARK) == stuffed.count(STUFFED_MARK)
    assert unstuff(stuffed) == body


@pytest.mark.parametrize("body", [MARK, b"\x01" + MARK + b"\x00", STUFFED_MARK + MARK])
def test_a_bare_mark_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="not stuffed"):
        unstuff(body)


@given(statuses)
def test_any_status_survives_the_wire(status: Status) -> None:
    assert status_of(decode_frame(status.encode())) == status


@given(servo_ids, st.integers(1, 0x54), bodies)
def test_any_instruction_survives_the_wire(servo_id: int, opcode: int, parameters: bytes) -> None:
    frame = decode_frame(Instruction(servo_id, opcode, parameters).encode())
    assert (frame.servo_id, frame.opcode, frame.parameters) == (servo_id, opcode, parameters)


@given(statuses, st.data())
def test_one_flipped_bit_never_passes(status: Status, data: st.DataObject) -> None:
    packet = bytearray(status.encode())
    position = data.draw(st.integers(7, len(packet) - 1))
    packet[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CorruptPacketError):
        decode_frame(bytes(packet))


def test_a_packet_that_is_too_long_is_not_built() -> None:
    with pytest.raises(ValueError, match="longer than"):
        Status(1, 0, bytes(2000)).encode()


def test_a_sync_write_of_unequal_sizes_is_not_built() -> None:
    with pytest.raises(ValueError, match="one size"):
        instructions.sync_write(116, {1: bytes(4), 2: bytes(2)})


@given(st.lists(statuses, min_size=1, max_size=5), st.data())
def test_parser_takes_packets_in_pieces_of_any_size(sent: list[Status], data: st.DataObject) -> None:
    stream = b"".join(status.encode() for status in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    parser = FrameParser()
    frames = [
        frame
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for frame in parser.feed(stream[start:end])
    ]
    assert [status_of(frame) for frame in frames] == sent
    assert parser.corrupt == 0


@given(st.binary(max_size=60).filter(lambda noise: MARK not in noise), statuses)
def test_parser_finds_the_packet_after_garbage(noise: bytes, status: Status) -> None:
    frames = FrameParser().feed(noise + status.encode())
    assert [status_of(frame) for frame in frames] == [status]


@given(statuses, statuses, st.data())
def test_parser_finds_the_packet_after_a_truncated_one(cut: Status, whole: Status, data: st.DataObject) -> None:
    packet = cut.encode()
    start = packet[: data.draw(st.integers(0, len(packet) - 1))]
    frames = FrameParser().feed(start + whole.encode())
    assert status_of(frames[-1]) == whole


@pytest.mark.parametrize("length", [0, 2, 1025, 0xFFFF])
def test_an_absurd_length_does_not_swallow_what_follows(length: int) -> None:
    parser = FrameParser()
    frames = parser.feed(HEADER + b"\x01" + length.to_bytes(2, "little") + Status(3).encode())
    assert [status_of(frame) for frame in frames] == [Status(3)]
    assert parser.corrupt == 1
    assert parser.last_fault is not None
    assert str(length) in parser.last_fault.problem


blocks_of_ten = st.lists(st.tuples(st.integers(0, 255), st.binary(min_size=10, max_size=10)), min_size=1, max_size=8)


def statuses_of(blocks: list[tuple[int, bytes]]) -> list[Status]:
    return [Status(index + 1, error, data) for index, (error, data) in enumerate(blocks)]


@given(blocks_of_ten)
def test_a_fast_answer_is_split_as_it_was_put_together(blocks: list[tuple[int, bytes]]) -> None:
    sent = statuses_of(blocks)
    packet = fast_sync_read.encode_fast_answer(sent, len(sent))
    [frame] = FrameParser().feed(packet)
    assert len(packet) == fast_sync_read.packet_bytes(len(sent), 10)
    ids = [status.servo_id for status in sent]
    assert fast_sync_read.blocks_of(frame.raw, ids, 10) == fast_sync_read.sound_blocks(frame.raw, ids, 10) == sent


@given(blocks_of_ten, st.data())
def test_of_a_damaged_fast_answer_the_blocks_before_the_damage_are_kept(
    blocks: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    sent = statuses_of(blocks)
    packet = bytearray(fast_sync_read.encode_fast_answer(sent, len(sent)))
    damaged = data.draw(st.integers(8, len(packet) - 1))
    packet[damaged] ^= 1 << data.draw(st.integers(0, 7))
    ids = [status.servo_id for status in sent]
    assert fast_sync_read.sound_blocks(b"\x00\xff" + packet, ids, 10) == sent[: (damaged - 8) // 14]
    cut = data.draw(st.integers(8, len(packet)))
    whole = fast_sync_read.encode_fast_answer(sent, len(sent))
    assert fast_sync_read.sound_blocks(whole[:cut], ids, 10) == sent[: (cut - 8) // 14]


def test_a_fast_answer_that_holds_a_header_is_whole_although_it_comes_in_pieces() -> None:
    sent = [Status(1, 0, HEADER + b"\x01\x07\x00"), Status(2, 0, bytes(7))]
    parser = FrameParser()
    frames = [frame for byte in fast_sync_read.encode_fast_answer(sent, 2) for frame in parser.feed(bytes([byte]))]
    assert [fast_sync_read.sound_blocks(frame.raw, [1, 2], 7) for frame in frames] == [sent]


def test_a_fast_answer_that_is_cut_off_does_not_swallow_the_packet_after_it() -> None:
    start = fast_sync_read.encode_fast_answer([Status(1, 0, bytes(10))], 6)
    frames = FrameParser().feed(start + Status(3, 0, b"ab").encode())
    assert [status_of(frame) for frame in frames] == [Status(3, 0, b"ab")]


def test_a_fast_answer_of_other_servos_or_another_size_is_none() -> None:
    sent = [Status(1, 0, b"ab"), Status(2, 0, b"cd")]
    packet = fast_sync_read.encode_fast_answer(sent, 2)
    assert fast_sync_read.sound_blocks(packet, [1, 3], 2) == sent[:1]
    assert fast_sync_read.blocks_of(packet, [1, 3], 2) == []
    assert fast_sync_read.sound_blocks(packet, [1, 2], 3) == []


def test_an_echo_of_an_instruction_is_no_answer() -> None:
    assert status_of(decode_frame(instructions.ping(1).encode())) is None

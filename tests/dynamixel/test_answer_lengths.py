"""Late answers are told from awaited ones by their length: no length is used again while one may be on its way."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from libra_edge.drivers.dynamixel import instructions
from libra_edge.drivers.dynamixel.answer_lengths import LATEST_S, LENGTHS, OVERTAKEN_S, AnswerLengths
from libra_edge.drivers.dynamixel.exchange import Exchange
from libra_edge.drivers.dynamixel.fast_sync_read import encode_fast_answer
from libra_edge.drivers.dynamixel.frame import Frame, Status, decode_frame

IDS, SIZE = [1, 2, 3], 4


def question(more: int, *, fast: bool = False) -> Exchange:
    ask = instructions.fast_sync_read if fast else instructions.sync_read
    return Exchange(ask(IDS, 126, SIZE + more), SIZE + more, IDS)


def answer(servo_id: int, more: int) -> Frame:
    return decode_frame(Status(servo_id, 0, bytes(SIZE + more)).encode())


def more(lengths: AnswerLengths, now_s: float) -> int | None:
    """Bytes beyond those needed."""
    size = lengths.size(SIZE, now_s)
    return None if size is None else size - SIZE


def exhausted() -> AnswerLengths:
    """Each length asked for once, a millisecond apart, and none answered."""
    lengths = AnswerLengths()
    for number in range(LENGTHS):
        assert more(lengths, number / 1000) == number
        lengths.unanswered(question(number), number / 1000)
    return lengths


def test_questions_have_their_own_length_as_long_as_all_are_answered() -> None:
    lengths = AnswerLengths()
    for second in range(5):
        assert more(lengths, float(second)) == 0
        lengths.answered(float(second))


def test_a_wire_that_owes_an_answer_of_every_length_is_asked_no_more() -> None:
    lengths = exhausted()
    assert more(lengths, 0.1) is None
    assert more(lengths, LATEST_S) is None
    assert more(lengths, LATEST_S + 1e-6) == 0, "the first of them will not come any more"
    assert more(lengths, LATEST_S + 1.5e-3) == 0


def test_some_of_the_late_answers_to_a_question_do_not_free_its_length() -> None:
    """What would follow them is of the same length, and of the servos that are asked again."""
    lengths = exhausted()
    for servo_id in IDS[:-1]:
        lengths.came_late(answer(servo_id, 0), 0.02)
    assert more(lengths, 0.1) is None
    lengths.came_late(answer(IDS[-1], 0), 0.02)
    assert more(lengths, 0.02 + OVERTAKEN_S / 2) is None, "one that was overtaken may still come"
    assert more(lengths, 0.1) == 0


def test_a_late_answer_frees_what_was_asked_before_its_own_question() -> None:
    lengths = exhausted()
    lengths.came_late(answer(IDS[0], 3), 0.02)
    for number in (0, 1, 2):
        assert more(lengths, 0.1) == number
        lengths.unanswered(question(number), 0.1)
    assert more(lengths, 0.1) is None


def test_a_late_answer_to_an_older_question_of_the_same_length_frees_no_younger_one() -> None:
    """The wire lags behind by more questions than there are lengths."""
    lengths = exhausted()
    lengths.came_late(answer(IDS[-1], 0), 0.02)
    assert more(lengths, 0.1) == 0
    lengths.unanswered(question(0), 0.1)
    assert more(lengths, 0.2) is None, "the answer of length 1 comes before the second one of length 0"


def test_a_fast_answer_is_all_there_is_to_its_question() -> None:
    lengths = AnswerLengths()
    for number in range(LENGTHS):
        lengths.unanswered(question(number, fast=True), number / 1000)
    late = encode_fast_answer([Status(servo_id, 0, bytes(SIZE)) for servo_id in IDS], len(IDS))
    lengths.came_late(decode_frame(late), 0.02)
    assert more(lengths, 0.1) == 0


def test_a_question_that_needs_more_bytes_shares_the_lengths() -> None:
    """A late answer to it is as long as one to a question that needs fewer, asked for more."""
    lengths = AnswerLengths()
    lengths.unanswered(question(2), 0.0)
    assert [lengths.size(SIZE + needed, 0.01) for needed in (0, 1, 2, 3)] == [SIZE, SIZE + 1, SIZE + 3, SIZE + 3]


def test_a_packet_of_nobody_frees_nothing() -> None:
    lengths = exhausted()
    lengths.came_late(answer(9, 0), 0.02)
    lengths.came_late(decode_frame(instructions.ping(1).encode()), 0.02)
    assert more(lengths, 0.1) is None


def test_servos_that_answer_are_asked_on_beside_one_that_is_missing() -> None:
    lengths = AnswerLengths()
    for millisecond in range(1000):
        asked = more(lengths, millisecond / 1000)
        assert asked is not None
        lengths.answered(millisecond / 1000)
        lengths.unanswered(question(asked), millisecond / 1000)


@given(st.lists(st.tuples(st.floats(0.0, 0.02), st.integers(0, 3)), max_size=300))
def test_no_answer_of_a_wire_that_lags_behind_is_taken_for_another(steps: list[tuple[float, int]]) -> None:
    """The wire holds every answer back and hands out some, in their order, before each question."""
    lengths, now_s = AnswerLengths(), 0.0
    wire: deque[tuple[float, int, int]] = deque()
    for passed_s, handed_out in steps:
        now_s += passed_s
        for _ in range(min(handed_out, len(wire))):
            asked_s, servo_id, length = wire.popleft()
            if now_s - asked_s <= LATEST_S:
                lengths.came_late(answer(servo_id, length), now_s)
        wire = deque(one for one in wire if now_s - one[0] <= LATEST_S)
        asked = more(lengths, now_s)
        if asked is None:
            continue
        assert all(length != asked for _, _, length in wire), "an answer of this length is still on the wire"
        wire.extend((now_s, servo_id, asked) for servo_id in IDS)
        lengths.unanswered(question(asked), now_s)

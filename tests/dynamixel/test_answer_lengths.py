"""Late answers are told from awaited ones by their length: no length is used again while one may be on its way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from libra_edge.drivers.dynamixel.answer_lengths import LATEST_S, LENGTHS, AnswerLengths

STEPS = st.lists(st.tuples(st.floats(0.0, 0.05), st.sampled_from(["answered", "partly", "silent"])), max_size=200)


@given(STEPS)
def test_on_a_silent_wire_no_length_is_used_while_an_answer_of_it_may_come_late(steps: list[tuple[float, str]]) -> None:
    lengths, now_s, heard_s = AnswerLengths(), 10.0, 0.0
    unanswered_s = [0.0] * LENGTHS
    for passed_s, outcome in steps:
        now_s += passed_s
        more = lengths.more(now_s)
        young = [now_s - time_s <= LATEST_S for time_s in unanswered_s]
        if more is None:
            assert all(young)
            continue
        assert not young[more] or (all(young) and heard_s > min(unanswered_s))
        assert all(young[:more])
        if outcome != "silent":
            heard_s = now_s
            lengths.heard(now_s)
        if outcome != "answered":
            unanswered_s[more] = now_s
            lengths.unanswered(more, now_s)


def test_questions_have_their_own_length_as_long_as_all_are_answered() -> None:
    lengths = AnswerLengths()
    for second in range(5):
        assert lengths.more(float(second)) == 0
        lengths.heard(float(second))


def test_a_silent_wire_is_asked_no_more_than_there_are_lengths_in_the_time_of_the_latest_answer() -> None:
    lengths, asked_s = AnswerLengths(), []
    for millisecond in range(1000):
        more = lengths.more(millisecond / 1000)
        if more is not None:
            asked_s.append(millisecond / 1000)
            lengths.unanswered(more, millisecond / 1000)
    for first, last in zip(asked_s, asked_s[LENGTHS:], strict=False):
        assert last - first > LATEST_S
    assert len(asked_s) > 0.9 * LENGTHS / LATEST_S


def test_servos_that_answer_are_asked_on_beside_one_that_is_missing() -> None:
    lengths = AnswerLengths()
    for millisecond in range(1000):
        more = lengths.more(millisecond / 1000)
        assert more is not None
        lengths.heard(millisecond / 1000)
        lengths.unanswered(more, millisecond / 1000)

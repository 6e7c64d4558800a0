"""What the keys mean, whole or in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libra_edge.cli.jog_keys import Action, decode_keys

KEYS = {
    b"1": 1,
    b"9": 9,
    b"\x1b[A": Action.PREVIOUS,
    b"\x1b[B": Action.NEXT,
    b"\x1b[C": Action.PLUS,
    b"\x1b[D": Action.MINUS,
    b"\x1bOA": Action.PREVIOUS,
    b"\x1bOD": Action.MINUS,
    b"+": Action.PLUS,
    b"-": Action.MINUS,
    b" ": Action.HOLD,
    b"\r": Action.GO_ON,
    b"\n": Action.GO_ON,
    b"q": Action.QUIT,
}


@pytest.mark.parametrize("typed", [b"x", b"0", b"\x1b[3~", b"\x1b[1;5C", b"\x1b[H", b"\xc3\xa4", b"\x1bx", b""])
def test_other_keys_mean_nothing(typed: bytes) -> None:
    assert decode_keys(typed) == ([], b"")


@given(st.lists(st.sampled_from(sorted(KEYS)), max_size=12), st.data())
def test_keys_arrive_whole_however_the_terminal_cuts_them(typed: list[bytes], data: st.DataObject) -> None:
    text, found, rest = b"".join(typed), [], b""
    while text:
        size = data.draw(st.integers(1, len(text)))
        keys, rest = decode_keys(rest + text[:size])
        found += keys
        text = text[size:]
    assert found == [KEYS[key] for key in typed]
    assert rest == b""


@given(st.binary(max_size=64))
def test_no_noise_is_too_much(typed: bytes) -> None:
    keys, rest = decode_keys(typed)
    assert len(keys) <= len(typed)
    assert len(rest) <= 16

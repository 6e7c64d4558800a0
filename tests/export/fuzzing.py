"""Hands a reader thousands of files that nobody should have written; each must end in a value or in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libra_edge.errors import MAX_MESSAGE, InputError

CASES = 10_000
QUICK = 4
"""`make test` runs one in so many of the cases, `make soak` all."""
LONGEST_SENTENCE = MAX_MESSAGE + len(" [...] ")
ACCEPTED, REFUSED = "accepted", "refused"

Content = TypeVar("Content")
Edit = tuple[str, int, int, bytes]


def how_many(cases: int = CASES) -> pytest.MarkDecorator:
    """Runs a test twice, with the argument `cases`: the first quarter of them, and, among the long runs, all."""
    return pytest.mark.parametrize("cases", [cases // QUICK, pytest.param(cases, marks=pytest.mark.soak)])


def fuzz(
    contents: st.SearchStrategy[Content],
    read: Callable[[Content], None],
    refusal: type[InputError],
    cases: int,
) -> Counter[str]:
    """Call `read` with `cases` contents, the same ones every time; returns how many it accepted and refused.

    Fails for any exception but `refusal`, and for a refusal that is not one line of bounded length.
    """
    outcomes: Counter[str] = Counter()

    @settings(
        max_examples=cases, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(content=contents)
    def judge(content: Content) -> None:
        try:
            read(content)
        except refusal as error:
            check_sentence(error)
            outcomes[REFUSED] += 1
        else:
            outcomes[ACCEPTED] += 1

    judge()
    print(f"{refusal.__name__}: {dict(outcomes)}")
    assert outcomes.total() >= cases, f"only {outcomes} of {cases} cases were run"
    return outcomes


def check_sentence(error: InputError) -> None:
    """One printable line, not too long, that says something and gives the user's exit code."""
    sentence = str(error)
    assert sentence.isprintable(), repr(sentence)
    assert len(sentence) <= LONGEST_SENTENCE
    assert ": ;" not in sentence, "a vendor's error without words was passed on"
    assert error.exit_code == 2


def weighted(*strategies: tuple[int, st.SearchStrategy[Content]]) -> st.SearchStrategy[Content]:
    """One of the strategies, each as often as its weight says; `|` takes a strategy named twice for one."""
    return st.sampled_from([strategy for weight, strategy in strategies for _ in range(weight)]).flatmap(
        lambda one: one
    )


def overwrite(path: Path, content: bytes) -> None:
    """Put `content` into a file that is there. Not by truncating it first: ext4 then waits for the disk."""
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()


def damaged(valid: bytes) -> st.SearchStrategy[bytes]:
    """`valid` after one to four edits: bytes set, cut out, put in, repeated elsewhere, or the rest cut off."""
    place = st.integers(0, 4 * len(valid))
    kinds = st.sampled_from(("set", "cut", "insert", "repeat", "truncate"))
    edit = st.tuples(kinds, place, place, st.binary(max_size=8))
    return st.lists(edit, min_size=1, max_size=4).map(lambda edits: _edited(valid, edits))


def _edited(content: bytes, edits: list[Edit]) -> bytes:
    for kind, start, other, new in edits:
        at = start % (len(content) + 1)
        piece = content[at : at + other % 40]
        if kind == "set":
            content = content[:at] + new + content[at + len(new) :]
        elif kind == "cut":
            content = content[:at] + content[at + len(piece) :]
        elif kind == "insert":
            content = content[:at] + new + content[at:]
        elif kind == "repeat":
            target = other % (len(content) + 1)
            content = content[:target] + piece + content[target:]
        else:
            content = content[:at]
    return content

"""A message is one printable line of bounded length, whatever a file from outside put into it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from libra_edge.errors import MAX_MESSAGE, ConfigError, one_line


@given(text=st.text(alphabet=st.characters()) | st.text(max_size=30).map(lambda part: part * 300))
def test_any_text_becomes_one_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= MAX_MESSAGE + len(" [...] ")


def test_what_needs_no_change_is_not_changed() -> None:
    text = "robot file arm.toml: 'grün' has  two spaces; see docs/robots.md"
    assert one_line(text) == text


def test_line_ends_and_terminal_codes_are_not_passed_on() -> None:
    assert str(ConfigError("key 'a\nb' \x1b[31m\ud800")) == "key 'a b' \\x1b[31m\\ud800"


def test_the_advice_at_the_end_is_kept() -> None:
    line = str(ConfigError("x" * 5000 + "; see docs/model-directory.md"))
    assert " [...] " in line
    assert line.endswith("; see docs/model-directory.md")

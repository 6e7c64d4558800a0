"""What the keys of `libra-edge jog` mean."""

from __future__ import annotations

import enum
import re

_ONE_KEY = re.compile(rb"\x1b[\[O][0-9;]*[A-Za-z~]|\x1b(?:[\[O][0-9;]*)?\Z|.", re.DOTALL)
"""An arrow or another key that sends several bytes, the beginning of one that has not come whole yet, or one byte."""
_WHOLE = re.compile(rb"\x1b[\[O][0-9;]*[A-Za-z~]")
LONGEST_BEGINNING = 16


class Action(enum.Enum):
    """What a key asks for."""

    PREVIOUS = enum.auto()
    NEXT = enum.auto()
    MINUS = enum.auto()
    PLUS = enum.auto()
    HOLD = enum.auto()
    GO_ON = enum.auto()
    QUIT = enum.auto()


_ACTIONS = {
    b"A": Action.PREVIOUS,
    b"B": Action.NEXT,
    b"C": Action.PLUS,
    b"D": Action.MINUS,
}
"""By the last byte of an arrow: up, down, right, left."""
_LETTERS = {
    b" ": Action.HOLD,
    b"\r": Action.GO_ON,
    b"\n": Action.GO_ON,
    b"q": Action.QUIT,
    b"-": Action.MINUS,
    b"+": Action.PLUS,
}


def decode_keys(typed: bytes) -> tuple[list[Action | int], bytes]:
    """The keys in `typed`, and what is left over: the beginning of a key that has not come whole yet.

    A digit 1..9 is the number of a joint; keys that mean nothing are left out.
    """
    keys: list[Action | int] = []
    for match in _ONE_KEY.finditer(typed):
        key = match.group()
        if key.startswith(b"\x1b"):
            if match.end() == len(typed) and not _WHOLE.fullmatch(key):
                return keys, key if len(key) <= LONGEST_BEGINNING else b""
            if len(key) == 3 and key[-1:] in _ACTIONS:
                keys.append(_ACTIONS[key[-1:]])
        elif key in _LETTERS:
            keys.append(_LETTERS[key])
        elif key in b"123456789":
            keys.append(int(key))
    return keys, b""
